use http_body_util::BodyExt;
use proptest::prelude::*;

use super::*;
use crate::json::{JsonErrorKind, quote};

fn parse(dialect: Dialect, text: &str) -> Result<LlmRequest, RequestError> {
    LlmRequest::parse(dialect, text.to_owned().into(), &Limits::default())
}

/// Role, kind and words of every block.
fn said(request: &LlmRequest) -> Vec<(Role, BlockKind, String)> {
    let words = |content: &Content<'_>| match content {
        Content::Text { text } => text.decode().into_owned(),
        Content::Thinking { text, signature } => format!("{text:?} {signature:?}"),
        Content::RedactedThinking { data } => format!("{data:?}"),
        Content::ToolCall(call) => format!("{:?} {:?} {:?}", call.id, call.name, call.input),
        Content::ToolResult(result) => format!(
            "{:?} {:?} {}",
            result.call_id, result.content, result.is_error
        ),
        Content::ServerTool { name } => format!("{name:?}"),
        Content::Refusal { text } => format!("{text:?}"),
        _ => String::new(),
    };
    let message = |message: Message<'_>| -> Vec<_> {
        let blocks = message.blocks();
        blocks
            .map(|block| (message.role, block.content.kind(), words(&block.content)))
            .collect()
    };
    request.messages().flat_map(message).collect()
}

#[test]
fn an_anthropic_request_is_read() {
    let request = parse(
        Dialect::Anthropic,
        r#"{"model":"m","max_tokens":5,"stream":true,"system":[{"type":"text","text":"s"}],"messages":[
            {"role":"user","content":"hi"},
            {"role":"system","content":[{"type":"text","text":"mid"}]},
            {"role":"assistant","content":[
                {"type":"thinking","thinking":"t","signature":"sig"},
                {"type":"redacted_thinking","data":"d"},
                {"type":"tool_use","id":"i","name":"n","input":{"a":1}},
                {"type":"server_tool_use","id":"s","name":"web_search","input":{}},
                {"type":"web_search_tool_result","tool_use_id":"s","content":[]}]},
            {"role":"user","content":[
                {"type":"tool_result","tool_use_id":"i","content":"r","is_error":true},
                {"type":"image","source":{}},{"type":"document","source":{}},{"type":"new_thing"}]}],
            "tools":[{"name":"n","input_schema":{}},{"type":"web_search_20250305","name":"web_search"}]}"#,
    )
    .unwrap();
    assert_eq!(
        (
            request.model(),
            request.stream(),
            request.max_output_tokens()
        ),
        (Some("m"), true, Some(5))
    );
    assert_eq!(
        request.shape(),
        Shape {
            messages: 4,
            blocks: 12,
            tools: 2
        }
    );
    assert_eq!(request.system().count(), 1);
    let names: Vec<_> = request
        .tools()
        .map(|tool| tool.name.unwrap().decode().into_owned())
        .collect();
    assert_eq!(names, ["n", "web_search"]);
    assert_eq!(
        said(&request),
        [
            (Role::User, BlockKind::Text, "hi".into()),
            (Role::System, BlockKind::Text, "mid".into()),
            (
                Role::Assistant,
                BlockKind::Thinking,
                r#"Some("t") Some("sig")"#.into()
            ),
            (
                Role::Assistant,
                BlockKind::RedactedThinking,
                r#"Some("d")"#.into()
            ),
            (
                Role::Assistant,
                BlockKind::ToolCall,
                r#"Some("i") Some("n") Json({"a":1})"#.into()
            ),
            (
                Role::Assistant,
                BlockKind::ServerTool,
                r#"Some("web_search")"#.into()
            ),
            (Role::Assistant, BlockKind::ServerTool, "None".into()),
            (
                Role::User,
                BlockKind::ToolResult,
                r#"Some("i") Some("r") true"#.into()
            ),
            (Role::User, BlockKind::Image, String::new()),
            (Role::User, BlockKind::Document, String::new()),
            (Role::User, BlockKind::Unknown, String::new()),
        ]
    );
}

#[test]
fn a_chat_request_is_read() {
    let request = parse(
        Dialect::Chat,
        r#"{"model":"m","max_tokens":1,"max_completion_tokens":7,"messages":[
            {"role":"developer","content":"d"},
            {"role":"user","content":[{"type":"text","text":"hi"},{"type":"image_url","image_url":{"url":"u"}},
                {"type":"input_audio","input_audio":{}},{"type":"file","file":{}}]},
            {"role":"assistant","content":null,"refusal":"no","reasoning_content":"hm","tool_calls":[
                {"id":"a","type":"function","function":{"name":"f","arguments":"{}"}},
                {"id":"b","type":"custom","custom":{"name":"g","input":"free"}}]},
            {"role":"assistant","function_call":{"name":"old","arguments":"{}"}},
            {"role":"tool","tool_call_id":"a","content":"r"},
            {"role":"function","name":"old","content":"r2"}],
            "tools":[{"type":"function","function":{"name":"f"}},{"type":"custom","custom":{"name":"g"}}],
            "functions":[{"name":"old"}]}"#,
    )
    .unwrap();
    assert_eq!(
        (request.stream(), request.max_output_tokens()),
        (false, Some(7))
    );
    assert_eq!(
        request.shape(),
        Shape {
            messages: 6,
            blocks: 10,
            tools: 3
        }
    );
    let names: Vec<_> = request
        .tools()
        .map(|tool| tool.name.unwrap().decode().into_owned())
        .collect();
    assert_eq!(names, ["f", "g", "old"]);
    assert_eq!(
        said(&request),
        [
            (Role::System, BlockKind::Text, "d".into()),
            (Role::User, BlockKind::Text, "hi".into()),
            (Role::User, BlockKind::Image, String::new()),
            (Role::User, BlockKind::Audio, String::new()),
            (Role::User, BlockKind::Document, String::new()),
            (
                Role::Assistant,
                BlockKind::Thinking,
                r#"Some("hm") None"#.into()
            ),
            (Role::Assistant, BlockKind::Refusal, r#"Some("no")"#.into()),
            (
                Role::Assistant,
                BlockKind::ToolCall,
                r#"Some("a") Some("f") Text("{}")"#.into()
            ),
            (
                Role::Assistant,
                BlockKind::ToolCall,
                r#"Some("b") Some("g") Free("free")"#.into()
            ),
            (
                Role::Assistant,
                BlockKind::ToolCall,
                r#"None Some("old") Text("{}")"#.into()
            ),
            (
                Role::Tool,
                BlockKind::ToolResult,
                r#"Some("a") Some("r") false"#.into()
            ),
            (
                Role::Tool,
                BlockKind::ToolResult,
                r#"None Some("r2") false"#.into()
            ),
        ]
    );
}

#[test]
fn a_responses_request_is_read() {
    let request = parse(
        Dialect::Responses,
        r#"{"model":"m","instructions":"be brief","max_output_tokens":9,"input":[
            {"role":"user","content":"hi"},
            {"type":"message","role":"developer","content":[{"type":"input_text","text":"d"},{"type":"input_image"},
                {"type":"input_file"}]},
            {"type":"reasoning","summary":[],"encrypted_content":"e"},
            {"type":"reasoning","summary":[{"type":"summary_text","text":"why"}],"encrypted_content":"e"},
            {"type":"function_call","call_id":"a","name":"f","arguments":"{}"},
            {"type":"custom_tool_call","call_id":"b","name":"g","input":"free"},
            {"type":"local_shell_call","call_id":"c","action":{"command":["ls"]}},
            {"type":"function_call_output","call_id":"a","output":"r"},
            {"type":"web_search_call"},{"type":"item_reference","id":"x"}],
            "tools":[{"type":"function","name":"f"},{"type":"web_search"}]}"#,
    )
    .unwrap();
    assert_eq!(request.max_output_tokens(), Some(9));
    assert_eq!(
        request.shape(),
        Shape {
            messages: 10,
            blocks: 13,
            tools: 2
        }
    );
    assert_eq!(
        request
            .tools()
            .map(|tool| tool.name.is_some())
            .collect::<Vec<_>>(),
        [true, false]
    );
    assert_eq!(
        said(&request),
        [
            (Role::User, BlockKind::Text, "hi".into()),
            (Role::System, BlockKind::Text, "d".into()),
            (Role::System, BlockKind::Image, String::new()),
            (Role::System, BlockKind::Document, String::new()),
            (
                Role::Assistant,
                BlockKind::RedactedThinking,
                r#"Some("e")"#.into()
            ),
            (
                Role::Assistant,
                BlockKind::Thinking,
                r#"Some("why") Some("e")"#.into()
            ),
            (
                Role::Assistant,
                BlockKind::ToolCall,
                r#"Some("a") Some("f") Text("{}")"#.into()
            ),
            (
                Role::Assistant,
                BlockKind::ToolCall,
                r#"Some("b") Some("g") Free("free")"#.into()
            ),
            (
                Role::Assistant,
                BlockKind::ToolCall,
                r#"Some("c") Some("local_shell_call") Json({"command":["ls"]})"#.into()
            ),
            (
                Role::Tool,
                BlockKind::ToolResult,
                r#"Some("a") Some("r") false"#.into()
            ),
            (Role::Assistant, BlockKind::ServerTool, "None".into()),
            (Role::Other, BlockKind::Unknown, String::new()),
        ]
    );
    let lone = parse(Dialect::Responses, r#"{"input":"hi"}"#).unwrap();
    assert_eq!(said(&lone), [(Role::User, BlockKind::Text, "hi".into())]);
    assert_eq!(
        lone.shape(),
        Shape {
            messages: 1,
            blocks: 1,
            tools: 0
        }
    );
}

#[test]
fn what_the_provider_may_not_like_is_the_providers_to_say() {
    for text in [
        "{}",
        r#"{"model":7,"messages":"hi","tools":{},"stream":"yes"}"#,
        r#"{"messages":[1,null,"x",{"role":3,"content":{"a":1}},{"content":[[],"s",{"type":["text"]}]}]}"#,
        r#"{"input":[{"type":"message"},7]}"#,
        r#"{"messages":[{"role":"user","content":[{"type":"text","text":7}]}]}"#,
    ] {
        for dialect in Dialect::ALL {
            let request = parse(dialect, text).unwrap();
            assert_eq!(request.model(), None);
            assert!(!request.stream());
            let _ = said(&request);
        }
    }
}

#[test]
fn a_key_that_some_readers_take_for_another_is_refused() {
    let ambiguous = |text: &str| {
        matches!(
            parse(Dialect::Chat, text),
            Err(RequestError::AmbiguousKey(_))
        )
    };
    for text in [
        r#"{"Messages":[]}"#,
        r#"{"messages":[],"MESSAGES":[]}"#,
        r#"{"\u004dodel":"x"}"#,
        r#"{"me\u017f\u017fages":[]}"#,
        r#"{"messages":[{"Role":"user"}]}"#,
        r#"{"messages":[{"content":[{"type":"text","Text":"x"}]}]}"#,
        r#"{"messages":[{"tool_calls":[{"function":{"Name":"x"}}]}]}"#,
        r#"{"messages":[{"function_call":{"Arguments":"x"}}]}"#,
        r#"{"tools":[{"function":{"NAME":"x"}}]}"#,
        r#"{"input":[{"Type":"function_call"}]}"#,
        r#"{"input":[{"type":"local_shell_call","Action":{}}]}"#,
        r#"{"input":[{"type":"apply_patch_call","OPERATION":{}}]}"#,
        r#"{"messages":[{"content":[{"type":"tool_result","content":[{"Text":"x"}]}]}]}"#,
        r#"{"messages":[{"content":[{"type":"tool_result","content":[{"source":[{"Data":"x"}]}]}]}]}"#,
    ] {
        assert!(ambiguous(text), "{text}");
    }
    for text in [
        r#"{"messages":[{"content":[{"type":"tool_use","input":{"Name":"x","name":"y","Model":1}}]}]}"#,
        r#"{"tools":[{"input_schema":{"properties":{"Text":{},"text":{}},"additionalProperties":false}}]}"#,
        r#"{"metadata":{"User":"x"},"X":1,"größe":2,"naïve":3}"#,
    ] {
        assert!(!ambiguous(text), "{text}");
    }
}

#[test]
fn what_two_readers_read_differently_is_refused_with_400() {
    let code = |text: &[u8]| {
        let parsed = LlmRequest::parse(Dialect::Chat, text.to_vec().into(), &Limits::default());
        let rejection = Rejection::from(parsed.unwrap_err());
        assert_eq!(rejection.kind().status(), 400);
        rejection.code()
    };
    assert_eq!(code(br#"{"model":"a","m\u006fdel":"b"}"#), "ambiguous_json");
    assert_eq!(code(br#"{"a":"\ud800"}"#), "ambiguous_json");
    assert_eq!(code(br#"{"Model":"a"}"#), "ambiguous_json");
    assert_eq!(code(b"\xEF\xBB\xBF{}"), "invalid_json");
    assert_eq!(code(b"{\"a\":\"\xFF\"}"), "invalid_json");
    assert_eq!(code(b"{}{}"), "invalid_json");
    assert_eq!(code(b"[]"), "invalid_json");
    assert_eq!(code(b""), "invalid_json");
}

#[test]
fn an_edit_changes_its_span_only_and_is_seen_by_the_next_reader() {
    let text =
        r#"{ "model" : "a\u0062", "n": 1E400, "messages": [ {"role":"user","content":"x"} ] }"#;
    let mut body = LlmBody::from(parse(Dialect::Chat, text).unwrap());
    body.edit(|request, edits| edits.set_member(request.root(), "model", quote("c")))
        .unwrap();
    assert_eq!(body.call().unwrap().model(), Some("c"));
    assert_eq!(
        body.call().unwrap().bytes(),
        &text.replace(r#""a\u0062""#, r#""c""#)
    );

    let before = body.call().unwrap().bytes().clone();
    let broken =
        body.edit(|request, edits| edits.replace(request.root().get("messages").unwrap(), "[}"));
    assert!(
        matches!(broken, Err(RequestError::Json(error)) if matches!(error.kind(), JsonErrorKind::Syntax(_)))
    );
    assert_eq!(body.call().unwrap().bytes(), &before, "as before");

    let untouched = body.call().unwrap().bytes().as_ptr();
    body.edit(|_, _| {}).unwrap();
    assert_eq!(
        body.call().unwrap().bytes().as_ptr(),
        untouched,
        "no edit, no copy"
    );
}

#[test]
fn secrets_and_words_are_not_in_debug_output() {
    let request = parse(Dialect::Chat, r#"{"messages":[{"content":"secret"}]}"#).unwrap();
    assert!(!format!("{request:?}").contains("secret"));
    assert!(!format!("{:?}", LlmBody::from(request)).contains("secret"));
}

proptest! {
    #[test]
    fn an_untouched_request_leaves_as_it_came(
        strings in prop::collection::vec(any::<String>(), 1..6),
        space in prop::sample::select(vec!["", " ", "\r\n\t"]),
    ) {
        let messages: Vec<_> = strings
            .iter()
            .map(|s| format!(r#"{{"role":{space}"user","content":{}{space}}}"#, serde_json::to_string(s).unwrap()))
            .collect();
        let text = format!(r#"{space}{{"messages":[{}],"verbosity":1.0,"n":12345678901234567890123}}{space}"#, messages.join(","));
        let request = parse(Dialect::Chat, &text).unwrap();
        let words: Vec<_> = said(&request).into_iter().map(|(_, _, words)| words).collect();
        prop_assert_eq!(words, strings);
        let sent = tokio::runtime::Builder::new_current_thread().build().unwrap()
            .block_on(LlmBody::from(request).collect()).unwrap().to_bytes();
        prop_assert_eq!(sent, text);
    }
}
