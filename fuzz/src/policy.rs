//! The policy engine: whatever a provider sends, what leaves it keeps the rules of its dialect or ends in an error, holds
//! nothing of what was blocked, and does not depend on how it was cut.

use bytes::Bytes;
use http::Request;
use luthien::{
    gate,
    policy::{
        Context, Denial, Entry, Policy, PolicyError, PolicyLayer, PolicySet, Text, ToolCall,
        Verdict, Watches,
    },
};
use luthien_core::{
    Dialect,
    testing::{Provider, Reply, ScriptedBody, protocol, request, send},
};
use tower_layer::Layer;

use crate::{Dice, cuttings, events};

/// Does something to every block, by a number that its content gives.
struct Judge;

fn verdict(content: &str) -> Verdict {
    let mut dice = Dice::of(content.as_bytes());
    match dice.below(5) {
        0 => Verdict::Block(Denial::new("fuzz", "not here")),
        1 => Verdict::Drop("gone".to_owned()),
        2 => Verdict::Replace("{}".to_owned()),
        _ => Verdict::Allow,
    }
}

impl Policy for Judge {
    fn watches(&self) -> Watches {
        Watches::TOOL_CALLS | Watches::TEXT | Watches::CHANGES
    }

    async fn on_tool_call(&self, call: &ToolCall, _: &Context) -> Result<Verdict, PolicyError> {
        Ok(verdict(call.name()))
    }

    async fn on_text(&self, text: &Text, _: &Context) -> Result<Verdict, PolicyError> {
        Ok(verdict(&text.text))
    }
}

/// `data` as a reply of this dialect, streamed and whole; then as a choice of well-formed events in any order.
pub fn check(dialect: Dialect, data: &[u8]) {
    for stream in [true, false] {
        // A provider that breaks the rules where no policy looks is corrected by nobody.
        let sound = protocol::check(dialect, stream, data).is_ok();
        let forgiven: fn(&str) -> bool = if sound { |_| false } else { |_| true };
        all_cuttings(dialect, stream, data, forgiven);
    }
    check_sequence(dialect, data);
}

/// Well-formed events in the order that `data` tells.
pub fn check_sequence(dialect: Dialect, data: &[u8]) {
    let events: Vec<u8> = data
        .iter()
        .take(64)
        .enumerate()
        .flat_map(|(place, byte)| events::event(dialect, *byte, place).into_bytes())
        .collect();
    all_cuttings(dialect, true, &events, is_the_providers);
}

/// What no client is misled by, and nobody corrects as long as nothing else is changed: the provider's bytes go out.
fn is_the_providers(error: &str) -> bool {
    const KNOWN: [&str; 7] = [
        // Servers of open models forget Chat's `[DONE]`: once all choices have stopped, that is an end.
        "the stream ends without its last event",
        // What stands in the last event alone is judged there.
        "the response does not say what its items have said",
        // An empty delta: the engine refuses one with anything in it.
        "more of a choice that has stopped",
        "a choice that does not stop",
        "a gap in the numbers of",
        "it stops for a call, and there is none",
        "no string \"id\"",
    ];
    KNOWN.iter().any(|known| error.starts_with(known))
}

/// `forgiven` says what may be wrong with what leaves.
fn all_cuttings(dialect: Dialect, stream: bool, data: &[u8], forgiven: fn(&str) -> bool) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    let mut dice = Dice::of(data);
    let mut seen: Option<(u16, Option<protocol::View>)> = None;
    for pieces in cuttings(data, &mut dice) {
        let got = runtime.block_on(exchange(dialect, stream, pieces, forgiven));
        let before = seen.get_or_insert_with(|| got.clone());
        assert_eq!(before, &got, "{dialect}, streamed: {stream}");
    }
}

/// What the client sees: the status, and the blocks unless the transfer is broken.
async fn exchange(
    dialect: Dialect,
    stream: bool,
    pieces: Vec<Bytes>,
    forgiven: fn(&str) -> bool,
) -> (u16, Option<protocol::View>) {
    let kind = if stream {
        "text/event-stream"
    } else {
        "application/json"
    };
    let provider = Provider::new([Reply::new(kind, ScriptedBody::of(pieces))]);
    let layer = PolicyLayer::new(PolicySet::new(vec![Entry::new("fuzz", Judge)]));
    let service = gate(layer).layer(provider);
    let asked = Request::post(dialect.path()).body(request(dialect, stream));
    let response = send(&service, asked.expect("a request")).await;
    let status = response.status().as_u16();
    // A broken transfer: the client sees that it is not whole.
    let (200, Ok(body)) = (status, response.into_body()) else {
        return (status, None);
    };
    match protocol::check(dialect, stream, &body) {
        Ok(view) => (status, Some(without_ids(view))),
        Err(error) => {
            let body = String::from_utf8_lossy(&body);
            assert!(
                forgiven(&error),
                "{dialect}, streamed: {stream}: {error}\n{body}"
            );
            (status, None)
        }
    }
}

/// Without the random names of decisions.
fn without_ids(mut view: protocol::View) -> protocol::View {
    const ID: &str = "Decision d-";
    for block in &mut view.blocks {
        while let Some(at) = block.text.find(ID) {
            let end = at + ID.len() + 12;
            block.text.replace_range(at..end, "<id>");
        }
    }
    view
}
