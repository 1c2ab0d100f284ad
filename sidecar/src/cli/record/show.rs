use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::{Args, ValueEnum};
use luthien::record::store::{AnyStore, From, SessionFilter, SessionRow, Side, Store};

use super::{Failure, Settings, ask, markdown, say, shown};

#[derive(Debug, Args)]
pub(in super::super) struct Show {
    /// A session, or the beginning of its name; or an exchange, by the id in the log and in `x-luthien-request-id`.
    id: String,
    /// Only the last so many exchanges of a session.
    #[arg(long, value_name = "COUNT")]
    last: Option<usize>,
    /// As JSON.
    #[arg(long)]
    json: bool,
    /// Of an exchange, only these bytes, exactly as they were sent.
    #[arg(long, value_name = "WHAT")]
    bytes: Option<Bytes>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Bytes {
    /// What the client asked.
    Request,
    /// What went up.
    SentRequest,
    /// What the client got.
    Reply,
    /// What the provider sent.
    ReceivedReply,
}

pub(in super::super) fn run(settings: &Settings, show: &Show) -> Result<ExitCode, Failure> {
    ask(settings, async |store| {
        if let Some(what) = show.bytes {
            let id = &show.id;
            let bytes = match what {
                Bytes::Request => store.request_bytes(id, Side::Client).await?,
                Bytes::SentRequest => store.request_bytes(id, Side::Provider).await?,
                Bytes::Reply => store.reply_bytes(id, Side::Client).await?,
                Bytes::ReceivedReply => store.reply_bytes(id, Side::Provider).await?,
            };
            io::stdout().write_all(&bytes)?;
            return Ok(ExitCode::SUCCESS);
        }
        if let Some(exchange) = store.transaction(&show.id).await? {
            let text = serde_json::to_string_pretty(&exchange)?;
            say(&if show.json { text } else { shown(&text) })?;
            return Ok(ExitCode::SUCCESS);
        }
        let session = find(&store, &show.id).await?;
        let count = show.last.unwrap_or(usize::MAX);
        let turns = turns(&store, &session.session_id, count).await?;
        if show.json {
            for turn in &turns {
                say(&serde_json::to_string(turn)?)?;
            }
        } else {
            say(&shown(&markdown::session(&session, &turns)))?;
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// The session of this name, or the only one whose name begins so.
pub(super) async fn find(store: &AnyStore, id: &str) -> Result<SessionRow, Failure> {
    if let Some(session) = store.session(id).await? {
        return Ok(session);
    }
    let filter = SessionFilter {
        session: Some(id.to_owned()),
        ..SessionFilter::default()
    };
    let mut found = store.sessions(&filter, None, 10).await?.items;
    match (found.pop(), &*found) {
        (None, _) => Err(format!(
            "no session and no exchange is called {id:?}: `luthien sessions` lists them"
        )
        .into()),
        (Some(only), []) => Ok(only),
        (Some(last), others) => {
            let names = others.iter().chain([&last]);
            let names: Vec<_> = names.map(|session| session.session_id.as_str()).collect();
            Err(format!("several sessions begin so: {}", names.join(", ")).into())
        }
    }
}

/// The last exchanges of a session, in order.
pub(super) async fn turns(
    store: &AnyStore,
    session: &str,
    count: usize,
) -> Result<Vec<luthien::record::store::Turn>, Failure> {
    let (mut turns, mut cursor) = (Vec::new(), None);
    while turns.len() < count {
        let left = (count - turns.len()).min(200);
        let page = store.transcript(session, From::End, cursor, left).await?;
        let mut items = page.items;
        items.append(&mut turns);
        turns = items;
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    Ok(turns)
}
