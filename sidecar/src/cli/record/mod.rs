//! Commands about what was recorded: `luthien sessions`, `show`, `search`, `export`, `import`, `cache-why`, `coverage`, `replay`,
//! `forget`, `hold`, `log`.

mod cache_why;
mod coverage;
mod export;
mod forget;
mod html;
mod import;
mod log;
mod markdown;
pub(super) mod replay;
mod sessions;
mod show;
mod times;

use std::{future::Future, sync::Arc};

use arc_swap::ArcSwap;
use clap::Args;
use luthien::record::store::{AnyStore, SessionFilter, SessionRow, Store, TransactionRow};

use super::{Failure, Settings, say};
use crate::{
    config::prices,
    log::is_hidden,
    record::{self, kept},
};

pub(super) use cache_why::{CacheWhy, HELP as CACHE_WHY, run as cache_why};
pub(super) use coverage::{Coverage, HELP as COVERAGE, run as coverage};
pub(super) use export::{Export, run as export};
pub(super) use forget::{Forget, Hold, hold, run as forget};
pub(super) use import::{HELP as IMPORT, Import, run as import};
pub(super) use log::{Log, run as log};
pub(super) use replay::{HELP as REPLAY, Replay, run as replay};
pub(super) use sessions::{Search, Sessions, run as sessions, search};
pub(super) use show::{Show, run as show};

/// Which sessions.
#[derive(Debug, Args)]
pub(super) struct Which {
    /// In which something happened since then: a time ago (`7d`, `12h`) or a date (`2026-11-28`, `2026-11-28T09:30:00Z`).
    #[arg(long, value_name = "WHEN", value_parser = times::past)]
    since: Option<i64>,
    /// That began before then.
    #[arg(long, value_name = "WHEN", value_parser = times::past)]
    until: Option<i64>,
    /// Of this person.
    #[arg(long)]
    user: Option<String>,
    /// In which this model was asked for.
    #[arg(long)]
    model: Option<String>,
    /// In which a policy decided like this, and it took effect: modify, block, ask, failed, skipped.
    #[arg(long)]
    verdict: Option<String>,
    /// In which an exchange ended like this: `ok`, `blocked`, `upstream_error`, `truncated`, `client_gone`, `policy_error`, `shed`, `shutdown`.
    #[arg(long)]
    ending: Option<String>,
    /// In which these words were said, all of them in one message. "Words in quotes" stand one behind another, `wor*` may go on.
    #[arg(long, value_name = "WORDS")]
    text: Option<String>,
}

impl Which {
    fn filter(&self) -> SessionFilter {
        SessionFilter {
            from: self.since,
            until: self.until,
            user: self.user.clone(),
            session: None,
            model: self.model.clone(),
            verdict: self.verdict.clone(),
            ending: self.ending.clone(),
            text: self.text.clone(),
        }
    }
}

/// Asks the record.
pub(super) fn ask<F, T>(settings: &Settings, ask: impl FnOnce(AnyStore) -> F) -> Result<T, Failure>
where
    F: Future<Output = Result<T, Failure>>,
{
    let (loaded, _) = settings.load()?;
    let Some(database) = record::database(&loaded.config) else {
        return Err("nothing is recorded: `database` is `none`".into());
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let prices = ArcSwap::from_pointee(prices(&loaded.config));
        let store = AnyStore::open(&database, record::options(Arc::new(prices))).await?;
        let answer = ask(store.clone()).await;
        store.close().await;
        answer
    })
}

/// The sessions of these names; if there are none, those that the filters let through, the latest first.
async fn sessions_of(
    store: &AnyStore,
    names: &[String],
    which: &Which,
) -> Result<Vec<SessionRow>, Failure> {
    let mut sessions = Vec::new();
    for name in names {
        let session = store.session(name).await?;
        let missing = || format!("no session is called {name:?}: `luthien sessions` lists them");
        sessions.push(session.ok_or_else(missing)?);
    }
    let (filter, mut cursor) = (which.filter(), None);
    while names.is_empty() {
        let page = store.sessions(&filter, cursor, 500).await?;
        sessions.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    Ok(sessions)
}

/// A text as a terminal may show it: what was said there may hold anything, and must not move the cursor.
fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' => shown.push(c),
            c if is_hidden(c) => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
    }
    shown
}

/// The beginning of a text, in one line.
fn short(text: &str, most: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut short: String = line.chars().take(most).collect();
    if short.len() < line.len() {
        short.push('…');
    }
    shown(&short)
}

/// A number of tokens, in three digits or so.
fn tokens(count: i64) -> String {
    match count {
        count if count < 10_000 => count.to_string(),
        count if count < 10_000_000 => format!("{}k", count / 1_000),
        count => format!("{}M", count / 1_000_000),
    }
}

/// A number of things, of which there is one word and another for many.
fn counted(count: u64, [one, many]: [&str; 2]) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// What a session cost, as far as somebody knows.
fn cost(session: &SessionRow) -> String {
    match (session.cost_micros, session.unpriced) {
        (known, 0) => dollars(known),
        (0, _) => "unknown".to_owned(),
        (known, _) => format!("≥ {}", dollars(known)),
    }
}

/// What an exchange cost; `None` if it took no tokens, and so nobody asks.
fn cost_of(exchange: &TransactionRow) -> Option<String> {
    let tokens = [exchange.input_tokens, exchange.output_tokens];
    match exchange.cost_micros {
        Some(cost) => Some(dollars(cost)),
        None if tokens.iter().any(Option::is_some) => Some("cost unknown".to_owned()),
        None => None,
    }
}

/// An amount that is counted in millionths of a dollar: in cents, or if it is less than a dollar in hundredths of them.
fn dollars(micros: i64) -> String {
    match micros {
        micros if micros >= 995_000 => {
            let cents = micros.saturating_add(5_000) / 10_000;
            format!("${}.{:02}", cents / 100, cents % 100)
        }
        0 => "$0.00".to_owned(),
        1..50 => "< $0.0001".to_owned(),
        micros => format!("$0.{:04}", micros.saturating_add(50) / 100),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_as_many_digits_as_say_something() {
        for (micros, shown) in [
            (0, "$0.00"),
            (1, "< $0.0001"),
            (50, "$0.0001"),
            (19_649, "$0.0196"),
            (994_999, "$0.9950"),
            (995_000, "$1.00"),
            (12_345_678, "$12.35"),
            (i64::MAX, "$9223372036854.77"),
        ] {
            assert_eq!(dollars(micros), shown);
        }
    }
}
