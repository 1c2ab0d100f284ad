//! The presets that mend texts: it does not matter where a text is cut, and none is left empty.

use http::Request;
use luthien::{
    gate,
    policy::{PolicyLayer, PolicySet, find},
};
use luthien_core::{
    Dialect,
    testing::{Provider, Reply, ScriptedBody, protocol, request, send},
};
use serde_json::json;
use tower_layer::Layer;

use crate::{Dice, cuttings};

const PRESETS: [&str; 4] = ["no-apologies", "no-yapping", "plain-dashes", "prefer-uv"];

/// `data` as what a model writes.
pub fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data).into_owned();
    if text.trim().is_empty() {
        return;
    }
    for preset in PRESETS {
        let whole = said(preset, &[&text]);
        assert!(!whole.trim().is_empty(), "{preset} leaves nothing");
        let mut dice = Dice::of(data);
        for pieces in cuttings(text.as_bytes(), &mut dice) {
            let mut ends = Vec::new();
            let mut end = 0;
            for piece in pieces {
                end += piece.len();
                ends.push(text.floor_char_boundary(end));
            }
            ends.dedup();
            let starts = std::iter::once(0).chain(ends.iter().copied());
            let pieces: Vec<_> = starts
                .zip(&ends)
                .map(|(start, end)| &text[start..*end])
                .collect();
            assert_eq!(said(preset, &pieces), whole, "{preset}");
        }
    }
}

/// What the client reads if the model writes this in these pieces.
fn said(preset: &str, pieces: &[&str]) -> String {
    let chunk = |delta: serde_json::Value, reason: Option<&str>| {
        let chunk = json!({
            "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
            "choices": [{"index": 0, "delta": delta, "finish_reason": reason}],
        });
        format!("data: {chunk}\n\n")
    };
    let mut events = chunk(json!({"role": "assistant", "content": ""}), None);
    for piece in pieces {
        events += &chunk(json!({ "content": piece }), None);
    }
    events += &chunk(json!({}), Some("stop"));
    events += "data: [DONE]\n\n";
    let body = ScriptedBody::of([bytes::Bytes::from(events)]);
    let provider = Provider::new([Reply::new("text/event-stream", body)]);
    let entry = find(preset).and_then(|preset| preset.build(&json!({})));
    let layer = PolicyLayer::new(PolicySet::new(vec![entry.expect("it comes with it")]));
    let service = gate(layer).layer(provider);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    let asked = Request::post(Dialect::Chat.path()).body(request(Dialect::Chat, true));
    let response = runtime.block_on(send(&service, asked.expect("a request")));
    let body = response.into_body().expect("it is whole");
    let view = protocol::check(Dialect::Chat, true, &body).expect("it keeps the rules");
    view.blocks
        .iter()
        .map(|block| block.text.as_str())
        .collect()
}
