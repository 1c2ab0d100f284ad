//! `luthien cache-why`.

mod compare;
mod pieces;
#[cfg(test)]
mod tests;

use std::{collections::HashMap, process::ExitCode};

use clap::Args;
use luthien::record::store::{AnyStore, Side, Store, TransactionRow, Turn};
use luthien_core::{
    Dialect,
    json::{Document, Limits},
};
use serde::Serialize;

use self::compare::{Compared, Difference, Found, compare, differ};
use super::{Failure, Settings, ask, kept, say, short, show, times, tokens};
use crate::cli::table;

pub(in super::super) const HELP: &str = "\
Each request is compared with the one that it goes on from, as they went up, in the order in which the provider's cache
reads them: model, tools, system, messages. What is shown is the first place that differs.

Why:
  hit        what the request before had in the cache was read
  first      nothing goes before it: a conversation, a sub-agent, or what a compaction has left
  changed    it differs from the request before, at the place that is shown; what stands behind is not read
  unmarked   the request before had no `cache_control`: nothing was to be cached
  unread     this request has no `cache_control` behind what was cached
  far        its `cache_control` is more than 20 blocks behind what was cached: nobody looks back there
  unwritten  the provider has cached nothing of the request before: most often it was too short
  expired    nothing differs, so the provider has forgotten it, or let it go elsewhere; see how long the pause was
  unknown    one of the two requests was not kept, or the reply does not say what was read

By: the client, if its own requests differ there; else the policies that have changed the request.

Examples:
  luthien cache-why 4f1c
  luthien cache-why 4f1c --json | jq 'select(.why == \"changed\") | .path'
";

#[derive(Debug, Args)]
pub(in super::super) struct CacheWhy {
    /// The session, or the beginning of its name.
    session: String,
    /// As JSON, an object a line.
    #[arg(long)]
    json: bool,
}

/// What became of the cache in one request.
#[derive(Debug, Serialize)]
struct Looked {
    transaction_id: String,
    /// The request that it goes on from.
    follows: Option<String>,
    started_at: Option<i64>,
    /// From the end of the one before.
    pause_us: Option<i64>,
    model: Option<String>,
    input_tokens: Option<i64>,
    cache_read_tokens: Option<i64>,
    cache_write_tokens: Option<i64>,
    why: &'static str,
    #[serde(flatten)]
    change: Option<Change>,
}

#[derive(Debug, Serialize)]
struct Change {
    path: String,
    before: Option<Shown>,
    after: Option<Shown>,
    /// `client`, `policy`, or `luthien`, which repairs requests.
    by: &'static str,
    policies: Vec<String>,
}

/// The beginning of what differs.
#[derive(Debug, Serialize)]
struct Shown {
    /// How many bytes of the request stand before it.
    at: usize,
    text: String,
}

/// How much is shown of what differs, in bytes.
const SHOWN: usize = 120;

impl Shown {
    fn of(found: &Found) -> Self {
        let bytes = found.bytes.get(..SHOWN).unwrap_or(&found.bytes);
        Self {
            at: found.at,
            text: String::from_utf8_lossy(bytes).into_owned(),
        }
    }
}

pub(in super::super) fn run(settings: &Settings, why: &CacheWhy) -> Result<ExitCode, Failure> {
    ask(settings, async |store| {
        let session = show::find(&store, &why.session).await?;
        let turns = show::turns(&store, &session.session_id, usize::MAX).await?;
        let looked = all(&store, &turns).await?;
        if why.json {
            for looked in &looked {
                say(&serde_json::to_string(looked)?)?;
            }
        } else {
            print(&looked)?;
        }
        Ok(ExitCode::SUCCESS)
    })
}

async fn all(store: &AnyStore, turns: &[Turn]) -> Result<Vec<Looked>, Failure> {
    let by_id: HashMap<&str, &Turn> = turns
        .iter()
        .map(|turn| (&*turn.row.transaction_id, turn))
        .collect();
    let mut all = Vec::new();
    for turn in turns.iter().filter(|turn| is_answered(&turn.row)) {
        let mut before = turn.follows.as_deref().and_then(|id| by_id.get(id));
        // What the provider has not answered, it has not cached.
        while let Some(unanswered) = before.filter(|turn| !is_answered(&turn.row)) {
            before = unanswered.follows.as_deref().and_then(|id| by_id.get(id));
        }
        all.push(look(store, before.copied(), turn).await?);
    }
    Ok(all)
}

/// Whether a model was called, and something came of it.
fn is_answered(row: &TransactionRow) -> bool {
    let is_call = row.dialect.is_some() && row.purpose.as_deref() != Some("token_count");
    is_call
        && row.upstream.is_some()
        && !matches!(row.ending.as_deref(), Some("upstream_error" | "shed"))
}

async fn look(store: &AnyStore, before: Option<&Turn>, turn: &Turn) -> Result<Looked, Failure> {
    let row = &turn.row;
    let mut looked = Looked {
        transaction_id: row.transaction_id.clone(),
        follows: before.map(|before| before.row.transaction_id.clone()),
        started_at: row.started_at,
        pause_us: before.and_then(|before| Some(row.started_at? - before.row.ended_at?)),
        model: row.model.clone(),
        input_tokens: row.input_tokens,
        cache_read_tokens: row.cache_read_tokens,
        cache_write_tokens: row.cache_write_tokens,
        why: "first",
        change: None,
    };
    let Some(before) = before else {
        return Ok(looked);
    };
    let compared = compared(store, before, turn).await?;
    (looked.why, looked.change) = why(&before.row, row, compared);
    Ok(looked)
}

/// What both requests have in common, and who has made the difference. `None` if one of them was not kept.
async fn compared(
    store: &AnyStore,
    before: &Turn,
    turn: &Turn,
) -> Result<Option<(Compared, Option<Change>)>, Failure> {
    let name = turn.row.dialect.as_deref();
    let dialect = Dialect::ALL
        .into_iter()
        .find(|dialect| Some(dialect.name()) == name);
    let went_up = async |turn| request(store, turn, Side::Provider).await;
    let asked = async |turn| request(store, turn, Side::Client).await;
    let (Some(dialect), Some(first), Some(second)) =
        (dialect, went_up(before).await?, went_up(turn).await?)
    else {
        return Ok(None);
    };
    let compared = compare(dialect, &first, &second);
    let Compared::Differs(difference) = &compared else {
        return Ok(Some((compared, None)));
    };
    let is_own = match (asked(before).await?, asked(turn).await?) {
        (Some(first), Some(second)) => {
            differ(dialect, &first, &second).is_some_and(|own| difference.is_of(&own))
        }
        _ => return Ok(None),
    };
    let change = change(difference, is_own, before, turn);
    Ok(Some((compared, Some(change))))
}

fn change(difference: &Difference, is_own: bool, before: &Turn, turn: &Turn) -> Change {
    let mut policies: Vec<String> = Vec::new();
    let decisions = turn.decisions.iter().chain(&before.decisions);
    let edits = decisions.filter(|decision| {
        decision.phase == "request" && decision.outcome == "modify" && decision.applied
    });
    for edit in edits.filter(|_| !is_own) {
        if !policies.contains(&edit.policy) {
            policies.push(edit.policy.clone());
        }
    }
    Change {
        path: difference.path.clone(),
        before: difference.before.as_ref().map(Shown::of),
        after: difference.after.as_ref().map(Shown::of),
        by: match (is_own, policies.is_empty()) {
            (true, _) => "client",
            (false, false) => "policy",
            (false, true) => "luthien",
        },
        policies,
    }
}

/// In one word, out of what the provider says and what the requests show.
fn why(
    before: &TransactionRow,
    row: &TransactionRow,
    compared: Option<(Compared, Option<Change>)>,
) -> (&'static str, Option<Change>) {
    let cached = before.cache_read_tokens.unwrap_or_default()
        + before.cache_write_tokens.unwrap_or_default();
    let read = row.cache_read_tokens;
    if cached > 0 && read.is_some_and(|read| read >= cached) {
        return ("hit", None);
    }
    let Some((compared, change)) = compared else {
        return ("unknown", None);
    };
    let why = match compared {
        Compared::Unmarked => "unmarked",
        Compared::Differs(_) => "changed",
        Compared::Unread => "unread",
        Compared::Far => "far",
        Compared::Same => match read {
            None => "unknown",
            // Who is not told what was written knows by this.
            Some(read) if read > 0 && before.cache_write_tokens.is_none() => "hit",
            Some(_) if cached == 0 => "unwritten",
            Some(_) => "expired",
        },
    };
    (why, change)
}

/// A request as it was sent; `None` if it was not kept.
async fn request(store: &AnyStore, turn: &Turn, side: Side) -> Result<Option<Document>, Failure> {
    let Some(bytes) = kept(store.request_bytes(&turn.row.transaction_id, side).await)? else {
        return Ok(None);
    };
    Ok(Document::parse(bytes, &Limits::default()).ok())
}

fn print(all: &[Looked]) -> Result<(), Failure> {
    if all.is_empty() {
        return Ok(say("No model was called in this session.")?);
    }
    let head = [
        "asked", "exchange", "read", "written", "input", "pause", "why", "where", "by", "before",
        "after",
    ];
    let mut lines = vec![head.map(str::to_owned).to_vec()];
    let count = |count: Option<i64>| count.map_or_else(|| "?".to_owned(), tokens);
    for looked in all {
        let change = looked.change.as_ref();
        let part = |shown: Option<&Shown>| match shown {
            Some(shown) => short(&shown.text, 30),
            None => "–".to_owned(),
        };
        lines.push(vec![
            looked.started_at.map(times::moment).unwrap_or_default(),
            short(&looked.transaction_id, 40),
            count(looked.cache_read_tokens),
            count(looked.cache_write_tokens),
            count(looked.input_tokens),
            looked.pause_us.map(times::took).unwrap_or_default(),
            looked.why.to_owned(),
            change
                .map(|change| short(&change.path, 60))
                .unwrap_or_default(),
            change.map(by).unwrap_or_default(),
            change
                .map(|change| part(change.before.as_ref()))
                .unwrap_or_default(),
            change
                .map(|change| part(change.after.as_ref()))
                .unwrap_or_default(),
        ]);
    }
    Ok(table(&lines)?)
}

fn by(change: &Change) -> String {
    match &*change.policies {
        [] => change.by.to_owned(),
        policies => short(&policies.join(", "), 40),
    }
}
