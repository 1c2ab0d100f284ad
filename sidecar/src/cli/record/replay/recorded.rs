//! An exchange as it was recorded, ready to go through policies once more.

use std::sync::Arc;

use http::{StatusCode, Uri};
use luthien::{
    limit::Repair,
    policy::Sessions,
    record::{
        Asked, Decided, Ended, Ending, Event, Reply, What,
        store::{AnyStore, Exchange, Side, Store},
    },
};
use luthien_core::{
    Dialect,
    facts::{Caller, ExchangeId, Purpose, SessionId, UserId},
};

use super::compare::{Decision, Outcome, Verdict};
use crate::{
    cli::{Failure, record::kept},
    script::Said,
    trial::{Answers, Around, Facts, Scenario, Seen},
};

/// An exchange, what became of it, and what else is known.
pub(in crate::cli) struct Recorded {
    pub(in crate::cli) scenario: Scenario,
    pub(super) around: Around,
    pub(super) answers: Answers,
    pub(in crate::cli) outcome: Outcome,
    /// Whether the provider's reply is known. Without, only what is decided about the request counts.
    pub(in crate::cli) has_reply: bool,
    /// Whether both replies are known to their ends, so that they can be compared.
    pub(super) is_whole: bool,
}

/// Why an exchange cannot go through policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::cli) enum Unfit {
    /// No model was called.
    NoCall,
    /// It was refused before it came to policies: too many, too large.
    Refused,
    /// It goes on, or its end was never recorded.
    Unended,
    /// Its request or its reply was not kept.
    NotKept,
}

impl Unfit {
    pub(in crate::cli) fn words(self) -> &'static str {
        match self {
            Self::NoCall => "no call of a model",
            Self::Refused => "refused before policies were asked",
            Self::Unended => "without an end",
            Self::NotKept => "not kept",
        }
    }
}

/// Reads an exchange.
pub(in crate::cli) async fn read(
    store: &AnyStore,
    exchange: &Exchange,
) -> Result<Result<Recorded, Unfit>, Failure> {
    let row = &exchange.row;
    let name = row.dialect.as_deref();
    let dialect = Dialect::ALL
        .into_iter()
        .find(|dialect| Some(dialect.name()) == name);
    let Some(dialect) = dialect else {
        return Ok(Err(Unfit::NoCall));
    };
    let Told {
        asked: Some(asked),
        ended: Some(ended),
        decided,
    } = Told::by(exchange)
    else {
        return Ok(Err(Unfit::Unended));
    };
    if ended.ending == Ending::Shed {
        return Ok(Err(Unfit::Refused));
    }
    let id = &row.transaction_id;
    let Some(request) = kept(store.request_bytes(id, Side::Client).await)? else {
        return Ok(Err(Unfit::NotKept));
    };
    // What never went up has no reply but ours.
    let went_up = ended.upstream.is_some();
    let sent = match went_up {
        true => kept(store.request_bytes(id, Side::Provider).await)?,
        false => None,
    };
    let received = ended.provider_reply.as_ref().unwrap_or(&ended.reply);
    let reply = match went_up {
        true => kept(store.reply_bytes(id, Side::Provider).await)?,
        false => None,
    };
    if went_up && (reply.is_none() || received.form.as_ref() == "opaque") {
        return Ok(Err(Unfit::NotKept));
    }
    let got = kept(store.reply_bytes(id, Side::Client).await)?;
    let has_reply = reply.is_some();
    let is_complete = |reply: &Reply| reply.complete;
    let is_whole = has_reply && is_complete(received) && is_complete(&ended.reply);
    let seen = match got.filter(|_| is_whole) {
        Some(bytes) => Some(Seen::of(dialect, is_stream(&ended.reply), &bytes).await),
        None => None,
    };
    let streamed = if has_reply {
        is_stream(received)
    } else {
        asked.stream
    };
    let decisions: Vec<_> = decided.iter().map(Decision::recorded).collect();
    let outcome = Outcome {
        verdict: Verdict::of(&decisions, is_refused(&ended, &decisions)),
        decisions,
        sent,
        seen,
    };
    let answers = Answers::default();
    for consulted in decided.iter().flat_map(|decided| &decided.consulted) {
        answers.add(&consulted.model, &consulted.asked, &consulted.answered);
    }
    let scenario = Scenario {
        dialect,
        request,
        reply: match reply {
            Some(reply) => vec![reply],
            None => Said::default().reply(dialect, streamed),
        },
        streamed,
    };
    let around = Around {
        facts: facts(id, &asked),
        answers: Some(answers.clone()),
        status: status(&ended, &outcome),
        path: asked.path.parse::<Uri>().ok(),
        ..Around::default()
    };
    Ok(Ok(Recorded {
        scenario,
        around,
        answers,
        outcome,
        has_reply,
        is_whole,
    }))
}

impl Recorded {
    /// In a conversation of which policies remember this, with requests put right like that.
    pub(super) fn within(mut self, sessions: &Sessions, repair: Repair) -> Self {
        self.around.sessions = sessions.clone();
        self.around.repair = repair;
        self
    }
}

/// Whether it was refused, though no decision says so: what nobody could look at is, if that is configured.
fn is_refused(ended: &Ended, decisions: &[Decision]) -> bool {
    matches!(ended.ending, Ending::Blocked | Ending::PolicyError)
        && !decisions.iter().any(|decision| decision.applied)
}

fn is_stream(reply: &Reply) -> bool {
    &*reply.form == "stream"
}

/// The provider's: a reply that policies have put something else in place of was a good one.
fn status(ended: &Ended, outcome: &Outcome) -> StatusCode {
    let status = ended
        .status
        .and_then(|status| StatusCode::from_u16(status).ok());
    match outcome.verdict {
        Verdict::Block => StatusCode::OK,
        Verdict::Allow | Verdict::Modify => status.unwrap_or_default(),
    }
}

fn facts(id: &str, asked: &Asked) -> Facts {
    let shared = |text: &str| -> Arc<str> { text.into() };
    let caller = asked.caller.as_deref().map(|id| match &asked.key {
        Some(name) => Caller::Key {
            id: id.into(),
            name: shared(name),
        },
        None => Caller::Client {
            fingerprint: id.into(),
        },
    });
    let agent = asked.agent.as_deref().map(shared);
    Facts {
        id: Some(ExchangeId(id.into())),
        caller,
        user: asked.user.as_ref().map(|user| UserId {
            id: shared(&user.id),
            trusted: user.trusted,
        }),
        session: asked.session.as_deref().map(shared).map(SessionId),
        purpose: asked.purpose.as_deref().and_then(|purpose| {
            Some(match purpose {
                "turn" => Purpose::Turn,
                "sub_agent" => Purpose::SubAgent { id: agent },
                "probe" => Purpose::Probe,
                "title" => Purpose::Title,
                "compaction" => Purpose::Compaction,
                "token_count" => Purpose::TokenCount,
                _ => return None,
            })
        }),
    }
}

/// What the events of an exchange tell.
#[derive(Default)]
struct Told {
    asked: Option<Box<Asked>>,
    ended: Option<Box<Ended>>,
    decided: Vec<Decided>,
}

impl Told {
    fn by(exchange: &Exchange) -> Self {
        let mut told = Self::default();
        let events = exchange.events.iter();
        let events = events.filter_map(|event| serde_json::from_slice(&event.payload).ok());
        for Event { what, .. } in events {
            match what {
                What::RequestReceived(asked) => told.asked = Some(asked),
                What::PolicyDecided(decided) => told.decided.push(*decided),
                What::Ended(ended) => told.ended = Some(ended),
                _ => {}
            }
        }
        told
    }
}
