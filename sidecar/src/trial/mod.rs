//! Exchanges tried out in this process: the stack of layers, with a script in the provider's place. What `luthien policy`
//! shows is what a sidecar would do.

mod around;
mod provider;
mod seen;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{Request, StatusCode, header::CONTENT_TYPE};
use http_body_util::{BodyExt, Full};
use luthien::{
    identity::IdentityLayer,
    limit::LimitLayer,
    policy::{Entry, PolicyLayer, PolicySet, PolicySettings},
    stack::Stack,
};
use luthien_core::{
    Dialect,
    decision::{Coverage, Decision, DecisionSink, Exchange, Mode, Outcome, Severity},
    request::LlmBody,
};
use tower::{Layer, ServiceExt, util::MapRequestLayer};

use self::provider::Provider;
pub(crate) use self::{
    around::{Answers, Around, Facts},
    seen::Seen,
};

/// Policies to be tried out.
pub(crate) struct Trial {
    pub(crate) entries: Vec<Entry>,
    pub(crate) settings: PolicySettings,
}

/// What is asked, and what the provider would answer.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) dialect: Dialect,
    pub(crate) request: Bytes,
    /// As it comes: in such pieces.
    pub(crate) reply: Vec<Bytes>,
    /// Whether that is a stream.
    pub(crate) streamed: bool,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Tried {
    /// What the provider was asked; nothing if the request was not sent up.
    pub(crate) asked: Option<Bytes>,
    pub(crate) status: StatusCode,
    /// What the client got, and what it makes of it.
    pub(crate) reply: Bytes,
    pub(crate) seen: Seen,
    /// All that was decided, in order.
    pub(crate) decisions: Vec<Decision>,
    /// What policies said beside.
    pub(crate) remarks: Vec<Remark>,
    /// What was looked at, and what was not.
    pub(crate) coverage: Coverage,
}

/// What a policy said beside its verdicts.
#[derive(Debug)]
pub(crate) struct Remark {
    pub(crate) policy: String,
    pub(crate) severity: Severity,
    pub(crate) words: String,
}

/// What became of an exchange, all in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Every byte passed.
    Allow,
    /// It passed, changed.
    Modify,
    /// Something was refused.
    Block,
}

impl Verdict {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Modify => "modify",
            Self::Block => "block",
        }
    }
}

impl Trial {
    /// Sends one exchange through, which nobody has met before and which nobody will remember.
    pub(crate) async fn run(&self, scenario: &Scenario) -> Tried {
        self.run_in(scenario, &Around::default()).await
    }

    /// Sends one exchange through, of which this is known.
    pub(crate) async fn run_in(&self, scenario: &Scenario, around: &Around) -> Tried {
        let told = Arc::new(Told::default());
        let shadows: Vec<_> = self
            .shadows()
            .map(|entry| entry.name().to_owned())
            .collect();
        let set = PolicySet::new(self.entries.iter().map(waited_for).collect())
            .with_settings(self.settings.clone())
            .with_sessions(around.sessions.clone())
            .with_sink(told.clone());
        let set = match &around.answers {
            Some(answers) => set.with_judge(answers.clone()),
            None => set,
        };
        let provider = Provider::new(scenario, around.status);
        let facts = around.facts.clone();
        let stack = Stack::new(IdentityLayer::passthrough())
            .with_limit(LimitLayer::new().with_repair(around.repair))
            .with_watch(MapRequestLayer::new(move |request: Request<LlmBody>| {
                facts.told(request)
            }))
            .with_policy(PolicyLayer::new(set));
        let mut request = Request::new(Full::new(scenario.request.clone()));
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = match &around.path {
            Some(path) => path.clone(),
            None => http::Uri::from_static(scenario.dialect.path()),
        };
        let answered = stack.layer(provider.clone()).oneshot(request).await;
        let (head, body) = match answered {
            Ok(response) => response.into_parts(),
            Err(never) => match never {},
        };
        let streamed = head.headers.get(CONTENT_TYPE).is_some_and(|kind| {
            let kind = kind.as_bytes();
            kind.starts_with(b"text/event-stream")
        });
        let (reply, lost) = read(body).await;
        let mut seen = Seen::of(scenario.dialect, streamed, &reply).await;
        seen.error = seen.error.or(lost);
        let Heard {
            mut decisions,
            remarks,
            coverage,
        } = told.take();
        for decision in &mut decisions {
            if shadows.iter().any(|name| **name == *decision.policy) {
                decision.mode = Mode::Shadow;
            }
        }
        Tried {
            asked: provider.asked(),
            status: head.status,
            reply,
            seen,
            decisions,
            remarks,
            coverage,
        }
    }

    fn shadows(&self) -> impl Iterator<Item = &Entry> {
        let shadow = |entry: &&Entry| entry.mode() == Mode::Shadow;
        self.entries.iter().filter(shadow)
    }
}

/// Who only looks on changes nothing, waited for or not; and here somebody wants to see it.
fn waited_for(entry: &Entry) -> Entry {
    let entry = entry.clone();
    match entry.mode() {
        Mode::Shadow => entry.with_mode(Mode::Observe),
        _ => entry,
    }
}

/// All that comes, and how it broke off, if it did.
async fn read<B>(mut body: B) -> (Bytes, Option<String>)
where
    B: http_body::Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    let mut all = Vec::new();
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => all.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data)),
            Err(error) => return (all.into(), Some(error.to_string())),
        }
    }
    (all.into(), None)
}

impl Tried {
    /// What became of the exchange.
    pub(crate) fn verdict(&self, scenario: &Scenario) -> Verdict {
        if !self.status.is_success() || self.decisions.iter().any(is_refusal) {
            return Verdict::Block;
        }
        let same =
            self.asked.as_ref() == Some(&scenario.request) && self.reply == scenario.reply.concat();
        if same {
            Verdict::Allow
        } else {
            Verdict::Modify
        }
    }

    /// The decisions that the client has felt.
    pub(crate) fn applied(&self) -> impl Iterator<Item = &Decision> {
        self.decisions.iter().filter(|decision| decision.applied)
    }
}

/// Whether something was kept from whom it was for.
pub(crate) fn is_refusal(decision: &Decision) -> bool {
    let refuses = matches!(
        decision.outcome,
        Outcome::Block | Outcome::Ask | Outcome::Failed(_)
    );
    refuses && decision.applied && decision.mode == Mode::Enforce
}

/// Remembers what it is told.
#[derive(Default)]
struct Told {
    heard: Mutex<Heard>,
}

#[derive(Default)]
struct Heard {
    decisions: Vec<Decision>,
    remarks: Vec<Remark>,
    coverage: Coverage,
}

impl Told {
    fn heard(&self) -> MutexGuard<'_, Heard> {
        // Lists that are only added to.
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Heard {
        std::mem::take(&mut *self.heard())
    }
}

impl DecisionSink for Told {
    fn decided(&self, _: &Exchange, decision: &Decision) {
        self.heard().decisions.push(decision.clone());
    }

    fn emitted(&self, _: &Exchange, policy: &str, severity: Severity, message: &str) {
        self.heard().remarks.push(Remark {
            policy: policy.to_owned(),
            severity,
            words: message.to_owned(),
        });
    }

    fn covered(&self, _: &Exchange, coverage: &Coverage) {
        self.heard().coverage = coverage.clone();
    }
}
