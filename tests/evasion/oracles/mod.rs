//! Who decides whether a call has come through: nobody who shares a line with what is tested.

pub mod clients;
pub mod events;
pub mod json;
pub mod raw;

use luthien_core::{Dialect, request::BlockKind, testing::protocol};

use crate::{
    attempt::{Call, Exchange, Expect, Form, Mark},
    house::Got,
};
use clients::{Habits, Seen};
use events::Lines;

/// What is wrong with what a client got; empty if nothing is.
pub fn complaints(dialect: Dialect, exchange: &Exchange, got: &Got) -> Vec<String> {
    let mut complaints = leaks(dialect, exchange, got);
    if let Err(complaint) = manners(dialect, exchange, got) {
        complaints.push(complaint);
    }
    complaints
}

/// The calls that a client may see.
pub fn kept(exchange: &Exchange) -> Vec<Call> {
    match &exchange.expect {
        Expect::Explained(kept) => kept.clone(),
        _ => Mark::BOTH
            .map(|mark| mark.harmless().fine())
            .into_iter()
            .chain([Call::kept()])
            .collect(),
    }
}

/// Whether any client sees any piece of a call that must not pass.
pub fn leaks(dialect: Dialect, exchange: &Exchange, got: &Got) -> Vec<String> {
    let mut leaks = Vec::new();
    if raw::is_marked(&got.body) {
        leaks.push("LEAK: the mark stands in the bytes".to_owned());
    }
    let encoding = got.headers.get("content-encoding");
    if encoding.is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        leaks.push(format!(
            "LEAK: nobody has looked into the encoding {encoding:?}"
        ));
    }
    let kept = kept(exchange);
    for habits in Habits::all() {
        for seen in habits.calls(dialect, &got.body) {
            let marked = seen.parts().any(|part| raw::is_marked(part.as_bytes()));
            if marked || !is_piece_of_any(&seen, &kept) {
                let leak = format!("LEAK: who reads with {habits:?} sees {seen:?}");
                if !leaks
                    .iter()
                    .any(|known| known.ends_with(&format!("{seen:?}")))
                {
                    leaks.push(leak);
                }
            }
        }
    }
    leaks
}

/// Whether some client would see a marked call in what the provider sent.
pub fn is_seen(dialect: Dialect, exchange: &Exchange) -> bool {
    let body = exchange.unpacked.as_ref().unwrap_or(&exchange.body);
    Habits::all().any(|habits| {
        let calls = habits.calls(dialect, body);
        calls
            .iter()
            .any(|seen| seen.parts().any(|part| raw::is_marked(part.as_bytes())))
    })
}

/// Whether it is one of these calls, as far as it goes.
fn is_piece_of_any(seen: &Seen, calls: &[Call]) -> bool {
    let placeholder = |text: &str| text.is_empty() || text == "{}";
    calls.iter().any(|call| {
        seen.all_names()
            .all(|name| name.is_empty() || *name == call.name)
            && seen
                .all_inputs()
                .all(|input| placeholder(input) || call.input.starts_with(input.as_str()))
    })
}

/// Whether what the client got is what it should: well-formed, explained, or an error.
fn manners(dialect: Dialect, exchange: &Exchange, got: &Got) -> Result<(), String> {
    match &exchange.expect {
        Expect::Explained(kept) => explained(dialect, exchange, got, kept),
        Expect::Refused if is_refused(dialect, got) => Ok(()),
        Expect::Refused => Err("it ends well".to_owned()),
        Expect::Gone if is_refused(dialect, got) || says_why(&got.body) => Ok(()),
        Expect::Gone => Err("it ends well, and nobody says why the call is gone".to_owned()),
        Expect::Over => {
            let view = protocol::check(dialect, true, &got.body);
            view.map(|_| ())
                .map_err(|rule| format!("not well-formed: {rule}"))
        }
    }
}

/// Whether the bytes, or the text, tell that a call was blocked.
pub fn says_why(body: &[u8]) -> bool {
    String::from_utf8_lossy(body).contains("Luthien blocked")
}

fn explained(
    dialect: Dialect,
    exchange: &Exchange,
    got: &Got,
    kept: &[Call],
) -> Result<(), String> {
    if !got.status.is_success() || got.broken {
        return Err(format!("not well: {}, broken: {}", got.status, got.broken));
    }
    let mut body = got.body.to_vec();
    if exchange.is_ragged() {
        // It goes out as it came.
        body.extend_from_slice(b"\n\n");
    }
    let view = protocol::check(dialect, exchange.arrives == Form::Stream, &body);
    let view = view.map_err(|rule| format!("not well-formed: {rule}"))?;
    if let Some(error) = view.error {
        return Err(format!("it ends in the error {error}"));
    }
    let text: String = view
        .blocks
        .iter()
        .map(|block| block.text.as_str())
        .collect();
    if !says_why(text.as_bytes()) {
        return Err("nobody says why the call is gone".to_owned());
    }
    let calls: Vec<_> = view
        .blocks
        .iter()
        .filter(|block| block.kind == BlockKind::ToolCall)
        .collect();
    let same = calls.len() == kept.len()
        && calls.iter().zip(kept).all(|(block, call)| {
            block.name.as_deref() == Some(call.name.as_str()) && block.input == call.input
        });
    if !same {
        return Err(format!("other calls are left: {calls:?}"));
    }
    Ok(())
}

/// Whether it is an error of the dialect, ends in one, or breaks.
fn is_refused(dialect: Dialect, got: &Got) -> bool {
    if got.broken {
        return true;
    }
    if !got.status.is_success() {
        let view = protocol::check(dialect, false, &got.body);
        return view.is_ok_and(|view| view.error.is_some());
    }
    let last = Lines::Standard.read(&got.body).pop();
    let Some(last) =
        last.and_then(|event| serde_json::from_str::<serde_json::Value>(&event.data).ok())
    else {
        return false;
    };
    match dialect {
        Dialect::Chat => last["error"].is_object(),
        _ => last["type"] == "error" || last["type"] == "response.failed",
    }
}
