//! Expressions: whatever somebody writes as a condition or in a message, and whatever a model calls, nothing panics, the same
//! question has the same answer, and a rule that was loaded has words for what it refuses.

use http::Request;
use luthien::{
    gate,
    policy::{Condition, Exchange, PolicyLayer, PolicySet, ToolCall, When, find},
};
use luthien_core::{
    Dialect,
    testing::{Provider, Reply, protocol, request, send},
};
use serde_json::{Value, json};
use tower_layer::Layer;

/// `data` as an expression in its first line, and what it is asked about behind that.
pub fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (source, about) = text.split_once('\n').unwrap_or((&text, "{}"));
    if let Ok(when) = source.parse::<When>() {
        condition(source, &when, about);
    }
    for on in ["tool_call", "text", "request"] {
        rule(on, source, about);
    }
}

fn condition(source: &str, when: &When, about: &str) {
    assert_eq!(when.to_string(), source);
    let exchange = Exchange {
        id: None,
        dialect: Dialect::Chat,
        path: "/".into(),
        model: Some(about.into()),
        caller: None,
        user: None,
        session: None,
        purpose: None,
    };
    let call = ToolCall::new(about, about);
    let ask = |call| {
        when.holds(&exchange, call)
            .map_err(|error| error.to_string())
    };
    // Maps have no order, so of two errors either may be told.
    assert_eq!(ask(Some(&call)).ok(), ask(Some(&call)).ok());
    if !when.is_about_calls() {
        assert_eq!(ask(Some(&call)).ok(), ask(None).ok());
    }
}

/// The source as a condition and as a part of a message, before a reply.
fn rule(on: &str, source: &str, about: &str) {
    let with = json!({"rules": [
        {"name": "r", "on": on, "when": source, "do": "block", "message": "no"},
        {"name": "s", "on": on, "when": "true", "do": "block", "message": format!("no {{{{{source}}}}}")},
    ]});
    let Ok(entry) = find("rules").expect("it comes with it").build(&with) else {
        return;
    };
    let input: Value = serde_json::from_str(about).unwrap_or_else(|_| json!({ "text": about }));
    let reply = json!({
        "id": "c", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "finish_reason": "tool_calls", "message": {
            "role": "assistant", "content": about,
            "tool_calls": [{"id": "t", "type": "function", "function": {"name": "f", "arguments": input.to_string()}}],
        }}],
    });
    let provider = Provider::new([Reply::json(&reply.to_string().into(), 0)]);
    let service = gate(PolicyLayer::new(PolicySet::new(vec![entry]))).layer(provider);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    let asked = Request::post(Dialect::Chat.path()).body(request(Dialect::Chat, false));
    let response = runtime.block_on(send(&service, asked.expect("a request")));
    // One of the two has refused, or could not be evaluated: what it was about is not there.
    let Ok(body) = response.into_body() else {
        panic!("the reply is cut");
    };
    let Ok(view) = protocol::check(Dialect::Chat, false, &body) else {
        panic!("{}", String::from_utf8_lossy(&body));
    };
    let calls = view.blocks.iter().any(|block| block.name.is_some());
    assert!(
        !(on == "tool_call" && calls),
        "{}",
        String::from_utf8_lossy(&body)
    );
}
