use luthien_core::{
    Dialect::{self, Anthropic, Chat, Responses},
    json::{Document, Limits},
};
use serde_json::{Value, json};

use super::compare::{Compared, compare, differ};

fn document(json: &Value) -> Document {
    Document::parse(json.to_string().into(), &Limits::default()).unwrap()
}

fn compared(dialect: Dialect, before: &Value, after: &Value) -> Compared {
    compare(dialect, &document(before), &document(after))
}

/// Where they part, and what stands there.
fn parted(dialect: Dialect, before: &Value, after: &Value) -> (String, String, String) {
    let Compared::Differs(difference) = compared(dialect, before, after) else {
        panic!("{before} and {after} do not differ");
    };
    let text = |found: Option<super::Found>| match found {
        Some(found) => String::from_utf8(found.bytes).unwrap(),
        None => "nothing".to_owned(),
    };
    (
        difference.path,
        text(difference.before),
        text(difference.after),
    )
}

fn marked(text: &str) -> Value {
    json!({"type": "text", "text": text, "cache_control": {"type": "ephemeral"}})
}

fn plain(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

/// What Claude Code sends in its first turn and in its second.
fn turns() -> (Value, Value) {
    let tool = json!({"name": "Bash", "description": "runs", "input_schema": {"properties": {"command": {}, "timeout": {}}}});
    let first = json!({
        "messages": [{"role": "user", "content": [marked("hello")]}],
        "system": [marked("Be brief.")], "tools": [tool], "model": "claude",
    });
    let mut second = first.clone();
    second["messages"] = json!([
        {"role": "user", "content": "hello"},
        {"role": "assistant", "content": [plain("hi")]},
        {"role": "user", "content": [marked("go on")]},
    ]);
    (first, second)
}

#[test]
fn marks_that_move_and_how_a_text_is_written_make_no_difference() {
    let (first, mut second) = turns();
    assert_eq!(compared(Anthropic, &first, &second), Compared::Same);
    second["messages"][0]["content"] = json!([plain("hello")]);
    assert_eq!(compared(Anthropic, &first, &second), Compared::Same);
    let escaped = second.to_string().replace("hello", "h\\u0065llo");
    let escaped = Document::parse(escaped.into(), &Limits::default()).unwrap();
    assert_eq!(
        compare(Anthropic, &document(&first), &escaped),
        Compared::Same
    );
}

#[test]
fn tools_come_before_system_and_system_before_messages_wherever_they_stand() {
    let (first, mut second) = turns();
    second["messages"][0]["content"] = json!("hullo");
    let said = |path: &str, before: &str, after: &str| {
        (path.to_owned(), before.to_owned(), after.to_owned())
    };
    assert_eq!(
        parted(Anthropic, &first, &second).0,
        "messages[0].content",
        "a text in place of a list of one"
    );
    second["system"][0]["text"] = json!("Be kind.");
    assert_eq!(
        parted(Anthropic, &first, &second),
        said("system[0].text", "brief.\"", "kind.\"")
    );
    second["tools"][0]["description"] = json!("runs it");
    assert_eq!(
        parted(Anthropic, &first, &second),
        said("tools[0].description", "\"", " it\"")
    );
    second["model"] = json!("claude-2");
    assert_eq!(parted(Anthropic, &first, &second).0, "model");
}

#[test]
fn the_place_is_that_of_the_first_byte_that_differs() {
    let (first, mut second) = turns();
    second["system"][0]["text"] = json!("Be kind.");
    let (a, b) = (document(&first), document(&second));
    let Compared::Differs(difference) = compare(Anthropic, &a, &b) else {
        panic!();
    };
    let at = |document: &Document, word: &str| {
        let text = String::from_utf8(document.bytes().to_vec()).unwrap();
        text.find(word).unwrap()
    };
    assert_eq!(difference.before.unwrap().at, at(&a, "brief"));
    assert_eq!(difference.after.unwrap().at, at(&b, "kind"));
}

#[test]
fn what_is_new_and_what_is_gone_is_named_where_it_stands() {
    let (first, second) = turns();
    let mut more = second.clone();
    more["tools"] = json!([first["tools"][0], { "name": "Read" }]);
    assert_eq!(
        parted(Anthropic, &first, &more),
        (
            "tools[1]".to_owned(),
            "nothing".to_owned(),
            r#"{"name":"Read"}"#.to_owned()
        )
    );
    let mut less = second.clone();
    less["tools"] = json!([]);
    assert_eq!(parted(Anthropic, &first, &less).0, "tools");
    let mut inside = second.clone();
    inside["tools"][0]["input_schema"]["properties"]["cwd"] = json!({});
    assert_eq!(
        parted(Anthropic, &first, &inside).0,
        "tools[0].input_schema.properties.cwd"
    );
    let mut thinking = second;
    thinking["thinking"] = json!({"type": "enabled"});
    assert_eq!(parted(Anthropic, &first, &thinking).0, "thinking");
}

#[test]
fn only_what_could_be_cached_is_compared() {
    let (mut first, mut second) = turns();
    first["messages"] = json!([{"role": "user", "content": "hello"}]);
    second["messages"][0]["content"] = json!("something else");
    assert_eq!(compared(Anthropic, &first, &second), Compared::Same);
    first["system"] = json!("Be brief.");
    assert_eq!(compared(Anthropic, &first, &second), Compared::Unmarked);
    first["cache_control"] = json!({"type": "ephemeral"});
    assert_eq!(parted(Anthropic, &first, &second).0, "messages[0].content");
}

#[test]
fn the_second_must_look_for_it_and_near_enough() {
    let (first, mut second) = turns();
    second["messages"][2]["content"] = json!([plain("go on")]);
    assert_eq!(compared(Anthropic, &first, &second), Compared::Unread);
    let mut blocks = vec![plain("x"); 19];
    blocks.push(marked("go on"));
    second["messages"][2]["content"] = blocks.into();
    assert_eq!(compared(Anthropic, &first, &second), Compared::Far);
    second["messages"][1]["content"] = json!([marked("hi")]);
    assert_eq!(compared(Anthropic, &first, &second), Compared::Same);
}

#[test]
fn the_bill_of_claude_code_is_no_reason_unless_it_is_the_only_one() {
    let (mut first, mut second) = turns();
    for (request, number) in [(&mut first, 1), (&mut second, 2)] {
        let bill = plain(&format!("x-anthropic-billing-header: cch={number};"));
        request["system"].as_array_mut().unwrap().insert(0, bill);
    }
    assert_eq!(compared(Anthropic, &first, &second), Compared::Same);
    second["system"][1]["text"] = json!("Be kind.");
    assert_eq!(parted(Anthropic, &first, &second).0, "system[1].text");
}

#[test]
fn openai_caches_without_marks() {
    let chat = |name: &str| json!({"messages": [{"role": "system", "content": name}, {"role": "user", "content": "x"}]});
    let mut longer = chat("a");
    let answered = json!({"role": "assistant", "content": "y"});
    longer["messages"].as_array_mut().unwrap().push(answered);
    assert_eq!(compared(Chat, &chat("a"), &longer), Compared::Same);
    assert_eq!(parted(Chat, &chat("b"), &longer).0, "messages[0].content");
    let items = |text: &str| json!({"instructions": "i", "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}]});
    assert_eq!(
        parted(Responses, &items("a"), &items("b")).0,
        "input[0].content[0].text"
    );
    let mut elsewhere = items("a");
    elsewhere["prompt_cache_key"] = json!("k");
    assert_eq!(
        parted(Responses, &elsewhere, &items("a")).0,
        "prompt_cache_key"
    );
}

#[test]
fn order_counts_where_a_model_reads_it() {
    let call = |input: &str| {
        let text = format!(
            r#"{{"messages":[{{"role":"assistant","content":[{{"type":"tool_use","input":{input},"cache_control":{{}}}}]}}]}}"#
        );
        Document::parse(text.into(), &Limits::default()).unwrap()
    };
    let (first, second) = (call(r#"{"a":1,"b":2}"#), call(r#"{"b":2,"a":1}"#));
    let Compared::Differs(difference) = compare(Anthropic, &first, &second) else {
        panic!();
    };
    assert_eq!(difference.path, "messages[0].content[0].input.b");
    let text = |text: &str| Document::parse(text.to_owned().into(), &Limits::default()).unwrap();
    let first = text(r#"{"system":[{"type":"text","text":"x","cache_control":{}}]}"#);
    let second = text(r#"{"system":[{"cache_control":{},"text":"x","type":"text"}]}"#);
    assert_eq!(compare(Anthropic, &first, &second), Compared::Same);
}

#[test]
fn a_difference_is_the_clients_if_its_own_requests_have_it_wherever_policies_have_moved_it() {
    let (first, second) = turns();
    let (mut own_first, mut own_second) = (first.clone(), second.clone());
    assert_eq!(
        differ(Anthropic, &document(&own_first), &document(&own_second)),
        None
    );
    own_second["system"][0]["text"] = json!("Be kind.");
    let own = differ(Anthropic, &document(&own_first), &document(&own_second)).unwrap();
    // A policy has put a block before it, in both.
    for request in [&mut own_first, &mut own_second] {
        let blocks = request["system"].as_array_mut().unwrap();
        blocks.insert(0, plain("Ours."));
    }
    let Compared::Differs(sent) = compared(Anthropic, &own_first, &own_second) else {
        panic!();
    };
    assert_eq!(sent.path, "system[1].text");
    assert!(sent.is_of(&own));
    // It has put something else there each time, and the client has changed what stands behind.
    let mut own_second = second;
    own_second["messages"][0]["content"] = json!("hullo");
    let own = differ(Anthropic, &document(&first), &document(&own_second)).unwrap();
    own_second["system"][0]["text"] = json!("Be brief. It is noon.");
    let Compared::Differs(sent) = compared(Anthropic, &first, &own_second) else {
        panic!();
    };
    assert_eq!(sent.path, "system[0].text");
    assert!(!sent.is_of(&own));
}
