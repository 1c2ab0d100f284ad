//! Whatever is taken apart comes together again, byte for byte; and what was sent before is not kept again.

use std::{collections::HashMap, fs};

use bytes::Bytes;
use luthien_core::{Dialect, json::Limits, request::LlmRequest, testing::conversation};
use serde_json::Value;

use super::{
    ContentHash, Entry, Message, Node, Parts, join,
    known::{Known, Turn},
    split::split,
};

/// A record in memory.
struct Kept {
    known: Known,
    contents: HashMap<ContentHash, Bytes>,
    messages: HashMap<ContentHash, Message>,
    nodes: HashMap<ContentHash, Node>,
    bytes: usize,
}

impl Default for Kept {
    fn default() -> Self {
        Self {
            known: Known::new(1_000),
            contents: HashMap::new(),
            messages: HashMap::new(),
            nodes: HashMap::new(),
            bytes: 0,
        }
    }
}

impl Kept {
    /// Keeps a request, and answers what comes out again.
    fn through(&mut self, dialect: Dialect, bytes: &Bytes, before: &mut Turn) -> Bytes {
        let request = LlmRequest::parse(dialect, bytes.clone(), &Limits::default()).unwrap();
        let mut entries = Vec::new();
        let kept = split(&request, before, &mut self.known, &mut entries);
        for entry in entries {
            match entry {
                Entry::Content(content) => {
                    self.bytes += content.body.len();
                    self.contents.insert(content.hash, content.body);
                }
                Entry::Message(message) => {
                    self.bytes += message.body.len();
                    self.messages.insert(message.hash, message);
                }
                Entry::Node(node) => {
                    self.bytes += 100;
                    self.nodes.insert(node.id, node);
                }
                Entry::Event(_) => unreachable!(),
            }
        }
        let mut path = Vec::new();
        let mut at = kept.head.unwrap_or(ContentHash::NONE);
        while let Some(node) = self.nodes.get(&at) {
            path.push((node.clone(), self.messages[&node.message].clone()));
            at = node.parent;
        }
        path.reverse();
        let contents = self.contents.clone();
        join(&kept, &Parts { contents, path }).unwrap()
    }
}

#[test]
fn requests_of_real_clients_come_out_as_they_went_in() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/captures");
    let (mut kept, mut count) = (Kept::default(), 0);
    for file in fs::read_dir(folder).unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        let capture: Value = serde_json::from_str(&text).unwrap();
        let mut before = Turn::default();
        for request in capture["requests"].as_array().unwrap() {
            let path = request["target"].as_str().unwrap().split('?').next();
            let dialect = Dialect::ALL
                .into_iter()
                .find(|dialect| path == Some(dialect.path()));
            let (Some(dialect), Value::Object(_)) = (dialect, &request["body"]) else {
                continue;
            };
            for body in [
                serde_json::to_string(&request["body"]).unwrap(),
                serde_json::to_string_pretty(&request["body"]).unwrap(),
            ] {
                let body = Bytes::from(body);
                assert_eq!(kept.through(dialect, &body, &mut before), body);
                count += 1;
            }
        }
    }
    assert!(count > 50, "{count}");
}

#[test]
fn a_conversation_is_kept_once_however_often_it_is_sent() {
    for dialect in Dialect::ALL {
        let mut kept = Kept::default();
        let mut before = Turn::default();
        let (mut sent, mut last) = (0, 0);
        for turn in 1..=60 {
            let body = conversation(dialect, turn * 2_000, true);
            assert_eq!(kept.through(dialect, &body, &mut before), body);
            sent += body.len();
            last = body.len();
        }
        assert!(
            kept.bytes < last * 2,
            "{dialect:?}: {} of {last}",
            kept.bytes
        );
        assert!(sent > last * 20);
    }
}

#[test]
fn marks_of_a_turn_make_no_other_message() {
    let mark = r#","cache_control":{"type":"ephemeral"}"#;
    let said = |marked: &str| {
        format!(r#"{{"role":"user","content":[{{"type":"text","text":"Say \u00e9, é"{marked}}}]}}"#)
    };
    let body = |messages: &[String]| {
        let messages = messages.join(",");
        Bytes::from(format!(
            r#"{{"model":"m","messages":[{messages}],"stream":true}}"#
        ))
    };
    let (mut kept, mut before) = (Kept::default(), Turn::default());
    for body in [
        body(&[said(mark)]),
        body(&[said(""), said(mark)]),
        body(&[said(""), said(""), said(mark)]),
    ] {
        assert_eq!(kept.through(Dialect::Anthropic, &body, &mut before), body);
    }
    assert_eq!((kept.messages.len(), kept.nodes.len()), (1, 3));
}

#[test]
fn pictures_are_kept_apart() {
    let picture = "iVBORw0KGgo".repeat(3_000);
    let body = format!(
        r#"{{"model":"m","messages":[{{"role":"user","content":[{{"type":"image","source":{{"type":"base64","data":"{picture}"}}}},{{"type":"text","text":"What is it?","cache_control":{{"type":"ephemeral"}}}}]}}]}}"#
    );
    let body = Bytes::from(body);
    let (mut kept, mut before) = (Kept::default(), Turn::default());
    assert_eq!(kept.through(Dialect::Anthropic, &body, &mut before), body);
    let message = kept.messages.values().next().unwrap();
    assert!(message.body.len() < 200);
    assert_eq!(message.media.len(), 1);
}

#[test]
fn odd_requests_come_out_as_they_went_in() {
    for (dialect, body) in [
        (Dialect::Responses, r#"{"input":"just a text","model":"m"}"#),
        (Dialect::Responses, r#"{"input":[ ],"model":"m"}"#),
        (Dialect::Chat, r#"{"model":"m"}"#),
        (
            Dialect::Chat,
            r#" { "messages" : [ {"role":"user"} , 1 ,  null ] , "n" : 1E400 } "#,
        ),
        (Dialect::Anthropic, r#"{"messages":{"role":"user"}}"#),
        (
            Dialect::Anthropic,
            r#"{"messages":[{"content":[{"cache_control":1,"x":2},{"cache_control":{}}]}]}"#,
        ),
        (Dialect::Anthropic, "{}"),
    ] {
        let body = Bytes::from(body);
        let (mut kept, mut before) = (Kept::default(), Turn::default());
        for _ in 0..2 {
            assert_eq!(kept.through(dialect, &body, &mut before), body);
        }
    }
}
