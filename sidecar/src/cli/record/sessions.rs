use std::process::ExitCode;

use clap::Args;
use luthien::record::store::{AnyStore, SessionRow, Store};

use super::{Failure, Settings, Which, ask, cost, say, short, times, tokens};
use crate::cli::table;

#[derive(Debug, Args)]
pub(in super::super) struct Sessions {
    #[command(flatten)]
    which: Which,
    /// How many, at most; the latest first.
    #[arg(long, default_value_t = 20)]
    limit: usize,
    /// As JSON, an object a line.
    #[arg(long)]
    json: bool,
}

pub(in super::super) fn run(settings: &Settings, sessions: &Sessions) -> Result<ExitCode, Failure> {
    ask(settings, async |store| {
        let rows = all(&store, sessions).await?;
        if sessions.json {
            for row in &rows {
                say(&serde_json::to_string(row)?)?;
            }
        } else if rows.is_empty() {
            say(
                "There are no such sessions. (Is `database` the one that the sidecar records to?)",
            )?;
        } else {
            print(&rows)?;
        }
        Ok(ExitCode::SUCCESS)
    })
}

async fn all(store: &AnyStore, sessions: &Sessions) -> Result<Vec<SessionRow>, Failure> {
    let filter = sessions.which.filter();
    let (mut rows, mut cursor) = (Vec::new(), None);
    while rows.len() < sessions.limit {
        let left = sessions.limit - rows.len();
        let page = store.sessions(&filter, cursor, left.min(500)).await?;
        rows.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    Ok(rows)
}

fn print(rows: &[SessionRow]) -> Result<(), Failure> {
    let head = [
        "last",
        "session",
        "calls",
        "tokens",
        "cost",
        "blocked",
        "model",
        "first words",
    ];
    let mut lines = vec![head.map(str::to_owned).to_vec()];
    for row in rows {
        lines.push(vec![
            times::moment(row.last_at),
            short(&row.session_id, 40),
            row.transactions.to_string(),
            tokens(row.input_tokens.saturating_add(row.output_tokens)),
            cost(row),
            row.blocked.to_string(),
            short(&row.models.join(", "), 30),
            short(row.preview.as_deref().unwrap_or_default(), 60),
        ]);
    }
    Ok(table(&lines)?)
}

#[derive(Debug, Args)]
pub(in super::super) struct Search {
    /// The words; all of them stand in one message. "Words in quotes" stand one behind another, `wor*` may go on.
    #[arg(required = true)]
    words: Vec<String>,
    #[command(flatten)]
    which: Which,
    /// How many, at most; the latest first.
    #[arg(long, default_value_t = 20)]
    limit: usize,
    /// As JSON, an object a line.
    #[arg(long)]
    json: bool,
}

pub(in super::super) fn search(settings: &Settings, search: &Search) -> Result<ExitCode, Failure> {
    ask(settings, async |store| {
        let filter = search.which.filter();
        let words = search.words.join(" ");
        let page = store.search(&words, &filter, None, search.limit).await?;
        for hit in &page.items {
            if search.json {
                say(&serde_json::to_string(hit)?)?;
                continue;
            }
            let who = hit.role.as_deref().unwrap_or("?");
            let (moment, id) = (times::moment(hit.at), short(&hit.session_id, 40));
            say(&format!("{moment}  {id}  {who}, {}", hit.kind.name()))?;
            say(&format!("    {}", short(&hit.excerpt, 200)))?;
        }
        if page.items.is_empty() && !search.json {
            say("Nobody has said that.")?;
        }
        Ok(ExitCode::SUCCESS)
    })
}
