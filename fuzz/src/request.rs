//! Requests: looked at without being changed, and read alike by every way of looking.

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use http_body::Body;
use luthien_core::{
    Dialect,
    json::{Document, Json, JsonStr, Kind, Limits, quote},
    request::{Block, Content, LlmBody, LlmRequest, RequestError},
};
use serde_json::Value;

pub fn check(data: &[u8]) {
    for dialect in Dialect::ALL {
        let bytes = bytes::Bytes::copy_from_slice(data);
        let document = Document::parse(bytes.clone(), &Limits::default());
        match LlmRequest::parse(dialect, bytes.clone(), &Limits::default()) {
            Ok(request) => {
                assert_eq!(request.bytes().as_ptr(), bytes.as_ptr(), "no copy");
                assert_eq!(request.bytes(), &bytes);
                read(&request);
                against_a_tree(&request);
                send_and_edit(request);
            }
            Err(RequestError::Json(error)) => assert_eq!(document.unwrap_err(), error),
            Err(RequestError::NotAnObject) => {
                assert_ne!(document.unwrap().root().kind(), Kind::Object);
            }
            Err(RequestError::AmbiguousKey(key)) => {
                let plain = |c: char| c.is_ascii() && !c.is_ascii_uppercase();
                assert!(!key.chars().all(plain), "{key}");
                assert!(has_key(document.unwrap().root(), &key));
            }
            Err(error) => panic!("{error}"),
        }
    }
}

fn has_key(json: Json<'_>, name: &str) -> bool {
    json.get(name).is_some()
        || json.members().any(|(_, value)| has_key(value, name))
        || json.items().any(|item| has_key(item, name))
}

/// Everything there is to ask.
fn read(request: &LlmRequest) {
    let mut blocks = 0;
    let mut links = Vec::new();
    let lone = request
        .messages()
        .any(|message| message.json.kind() == Kind::String);
    for (place, message) in request.messages().enumerate() {
        let _ = format!("{message:?}");
        for (number, block) in message.blocks().enumerate() {
            blocks += 1;
            look_at(block, message.json);
            match block.content {
                Content::ToolCall(call) => {
                    links.extend(call.id.map(|id| (place, number, false, said(id))))
                }
                Content::ToolResult(result) => {
                    links.extend(result.call_id.map(|id| (place, number, true, said(id))));
                }
                _ => {}
            }
        }
    }
    for block in request.system() {
        look_at(block, request.root());
    }
    let found: Vec<_> = request
        .tool_links()
        .iter()
        .map(|link| (link.message, link.block, link.is_result, said(link.id)))
        .collect();
    assert_eq!(found, links, "ties are those that the blocks show");

    let shape = request.shape();
    assert_eq!(shape.messages, request.messages().count());
    assert_eq!(shape.tools, request.tools().count());
    assert!(blocks == 0 || shape.blocks > 0 || !lone);
    for tool in request.tools() {
        let _ = format!("{tool:?}");
    }
    let last = request.messages().last().map(|message| message.json.span());
    assert_eq!(
        request.last_message().map(|message| message.json.span()),
        last
    );
    let _ = format!("{request:?}");
}

fn said(text: JsonStr<'_>) -> String {
    text.decode().into_owned()
}

/// A block lies inside its message, and can be shown.
fn look_at(block: Block<'_>, message: Json<'_>) {
    let (inner, outer) = (block.json.span(), message.span());
    assert!(outer.start <= inner.start && inner.end <= outer.end);
    let _ = format!("{block:?} {:?}", block.content.kind());
    if let Content::ToolResult(result) = block.content
        && let Some(content) = result.content
    {
        let _ = format!("{:?}", content.items().collect::<Vec<_>>());
    }
}

/// The root's members, as a tree parser knows them. It refuses numbers that no float can hold.
fn against_a_tree(request: &LlmRequest) {
    let Ok(tree) = serde_json::from_slice::<Value>(request.bytes()) else {
        return;
    };
    assert_eq!(request.model(), tree["model"].as_str());
    assert_eq!(request.stream(), tree["stream"].as_bool().unwrap_or(false));
    let names: &[&str] = match request.dialect() {
        Dialect::Anthropic => &["max_tokens"],
        Dialect::Chat => &["max_completion_tokens", "max_tokens"],
        _ => &["max_output_tokens"],
    };
    let most = names.iter().find_map(|name| tree[name].as_u64());
    assert_eq!(request.max_output_tokens(), most);
    let messages = match request.dialect() {
        Dialect::Responses => &tree["input"],
        _ => &tree["messages"],
    };
    let expected = match messages {
        Value::String(_) => 1,
        messages => messages.as_array().map_or(0, Vec::len),
    };
    assert_eq!(request.messages().count(), expected);
}

fn send_and_edit(request: LlmRequest) {
    let sent = request.bytes().clone();
    let mut body = LlmBody::from(request);
    body.edit(|_, _| {}).unwrap();
    let clone = body.try_clone().unwrap();
    assert_eq!(collect(clone), sent, "untouched, the bytes that came");

    let model = "another \"model\"";
    let root = |body: &LlmBody| -> Vec<(String, Vec<u8>)> {
        let members = body.call().unwrap().root().members();
        members
            .map(|(key, value)| (said(key), value.text().to_vec()))
            .collect()
    };
    let mut expected = root(&body);
    body.edit(|request, edits| edits.set_member(request.root(), "model", quote(model)))
        .unwrap();
    assert_eq!(body.call().unwrap().model(), Some(model));
    let quoted = quote(model).to_vec();
    match expected.iter_mut().find(|(key, _)| key == "model") {
        Some((_, value)) => *value = quoted,
        None => expected.push(("model".to_owned(), quoted)),
    }
    assert_eq!(root(&body), expected, "one member is another");

    // Refused, and nothing has happened.
    let before = body.call().unwrap().bytes().clone();
    let spoiled = body.edit(|request, edits| edits.replace(request.root(), "[]"));
    assert_eq!(spoiled, Err(RequestError::NotAnObject));
    assert_eq!(collect(body), before);
}

fn collect(body: LlmBody) -> Vec<u8> {
    let mut body = pin!(body);
    let mut cx = Context::from_waker(Waker::noop());
    let length = body.size_hint().exact();
    let mut bytes = Vec::new();
    while let Poll::Ready(Some(frame)) = body.as_mut().poll_frame(&mut cx) {
        bytes.extend_from_slice(&frame.unwrap().into_data().unwrap());
    }
    assert!(body.is_end_stream());
    assert_eq!(length, Some(bytes.len() as u64));
    bytes
}
