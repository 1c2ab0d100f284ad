use super::*;
use crate::testing::recorded;

/// The recorded stream with one thing changed, that is there.
fn broken(dialect: Dialect, from: &str, to: &str) -> Result<View, String> {
    let stream = String::from_utf8(recorded(dialect, true).to_vec()).unwrap();
    assert!(stream.contains(from), "{from}");
    check(dialect, true, stream.replacen(from, to, 1).as_bytes())
}

/// The recorded stream without its events of this type that contain this.
fn without(dialect: Dialect, kind: &str, content: &str) -> Result<View, String> {
    let stream = String::from_utf8(recorded(dialect, true).to_vec()).unwrap();
    let is_gone = |event: &&str| event.contains(kind) && event.contains(content);
    let events = stream.split_inclusive("\n\n");
    assert!(events.clone().any(|event| is_gone(&event)), "{kind}");
    let left: String = events.filter(|event| !is_gone(event)).collect();
    check(dialect, true, left.as_bytes())
}

#[test]
fn the_recorded_replies_keep_the_rules_and_say_the_same_in_both_forms() {
    for dialect in Dialect::ALL {
        let streamed = check(dialect, true, &recorded(dialect, true)).unwrap();
        let whole = check(dialect, false, &recorded(dialect, false)).unwrap();
        assert_eq!(streamed, whole, "{dialect}");
        let calls = streamed.blocks.iter();
        let calls = calls.filter(|block| block.kind == BlockKind::ToolCall);
        assert_eq!(calls.count(), 2, "{dialect}");
    }
}

#[test]
fn every_broken_rule_is_seen() {
    for (dialect, from, to, rule) in [
        (
            Dialect::Anthropic,
            "event: ping",
            "event: pong",
            "another name",
        ),
        (
            Dialect::Anthropic,
            "\"index\":2,\"content_block\"",
            "\"index\":3,\"content_block\"",
            "a gap",
        ),
        (
            Dialect::Anthropic,
            "\"index\":2,\"delta\"",
            "\"index\":1,\"delta\"",
            "not open",
        ),
        (
            Dialect::Anthropic,
            "\"text_delta\",\"text\"",
            "\"thinking_delta\",\"thinking\"",
            "another kind",
        ),
        (
            Dialect::Anthropic,
            "\"content\":[]",
            "\"content\":[1]",
            "begins with its content",
        ),
        (
            Dialect::Anthropic,
            "\"name\":\"Read\",\"input\":{}",
            "\"name\":\"Read\",\"input\":{\"a\":1}",
            "arguments in the beginning",
        ),
        (
            Dialect::Anthropic,
            "{\"type\":\"redacted_thinking\",\"data\":\"c2VhbGVk\"}",
            "{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"n\",\"input\":{}}",
            "text behind a call",
        ),
        (Dialect::Anthropic, ".txt\\\", \\\"n", ".txt, n", "no JSON"),
        (
            Dialect::Chat,
            "{\"index\":1,\"id\":\"call_B\"",
            "{\"index\":2,\"id\":\"call_B\"",
            "a gap",
        ),
        (Dialect::Chat, "\"id\":\"call_A\",", "", "no string \"id\""),
        (
            Dialect::Chat,
            "\"finish_reason\":\"stop\"",
            "\"finish_reason\":null",
            "does not stop",
        ),
        (
            Dialect::Chat,
            "\"finish_reason\":\"stop\"",
            "\"finish_reason\":\"tool_calls\"",
            "there is none",
        ),
        (
            Dialect::Chat,
            "{\"content\":\"look.\"},\"logprobs\":null,\"finish_reason\":null",
            "{\"content\":\"look.\"},\"logprobs\":null,\"finish_reason\":\"stop\"",
            "has stopped",
        ),
        (Dialect::Chat, "chatcmpl-1", "chatcmpl-2", "two replies"),
        (
            Dialect::Responses,
            "\"sequence_number\":7",
            "\"sequence_number\":8",
            "a gap in the numbers of events",
        ),
        (
            Dialect::Responses,
            "\"output_index\":2,\"item\"",
            "\"output_index\":3,\"item\"",
            "a gap in the numbers of items",
        ),
        (
            Dialect::Responses,
            "\"content_index\":1,\"part\"",
            "\"content_index\":2,\"part\"",
            "a gap in the numbers of parts",
        ),
        (
            Dialect::Responses,
            "\"delta\":\"look.\"",
            "\"delta\":\"here.\"",
            "another in the end",
        ),
        (
            Dialect::Responses,
            "\"arguments\":\"{\\\"path\\\":\\\"a.txt\\\"}\",\"call_id\"",
            "\"arguments\":\"{\\\"path\\\":\\\"b.txt\\\"}\",\"call_id\"",
            "others in the end",
        ),
        (
            Dialect::Responses,
            "\"status\":\"completed\",\"error\"",
            "\"status\":\"in_progress\",\"error\"",
            "not over",
        ),
        (
            Dialect::Responses,
            ",{\"id\":\"ws_1\",\"type\":\"web_search_call\",\"status\":\"completed\",\"action\":{\"type\":\"search\",\"query\":\"q\"}}],",
            "],",
            "what its items have said",
        ),
    ] {
        let error = broken(dialect, from, to).unwrap_err();
        assert!(error.contains(rule), "{from} -> {to}: {error}");
    }
}

#[test]
fn every_missing_event_is_missed() {
    for (dialect, kind, content) in [
        (Dialect::Anthropic, "\"message_start\"", ""),
        (Dialect::Anthropic, "\"content_block_start\"", "\"index\":2"),
        (Dialect::Anthropic, "\"content_block_stop\"", "\"index\":2"),
        (Dialect::Anthropic, "\"message_delta\"", ""),
        (Dialect::Anthropic, "\"message_stop\"", ""),
        (Dialect::Chat, "[DONE]", ""),
        (Dialect::Chat, "\"tool_calls\":[{\"index\":0,\"id\"", ""),
        (Dialect::Responses, "\"response.created\"", ""),
        (Dialect::Responses, "\"response.in_progress\"", ""),
        (Dialect::Responses, "\"response.output_item.added\"", "fc_1"),
        (
            Dialect::Responses,
            "\"response.content_part.added\"",
            "refusal",
        ),
        (Dialect::Responses, "\"response.output_item.done\"", "fc_1"),
        (Dialect::Responses, "\"response.completed\"", ""),
    ] {
        assert!(without(dialect, kind, content).is_err(), "{kind} {content}");
    }
}

#[test]
fn an_error_may_end_a_stream_anywhere_and_nothing_may_follow() {
    for (dialect, event) in [
        (
            Dialect::Anthropic,
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"m\"}}\n\n",
        ),
        (
            Dialect::Chat,
            "data: {\"error\":{\"message\":\"m\",\"type\":\"server_error\"}}\n\n",
        ),
        (
            Dialect::Responses,
            "event: error\ndata: {\"type\":\"error\",\"code\":\"c\",\"message\":\"m\",\"sequence_number\":2}\n\n",
        ),
    ] {
        let stream = String::from_utf8(recorded(dialect, true).to_vec()).unwrap();
        let begun: String = stream.split_inclusive("\n\n").take(2).collect();
        let view = check(dialect, true, format!("{begun}{event}").as_bytes()).unwrap();
        assert!(view.error.is_some(), "{dialect}");
        let more = format!("{begun}{event}: c\n\n{event}");
        assert!(check(dialect, true, more.as_bytes()).is_err());
        let cut = format!("{begun}{}", event.trim_end());
        assert!(check(dialect, true, cut.as_bytes()).is_err());
    }
}

#[test]
fn a_whole_reply_keeps_rules_too() {
    for (dialect, from, to) in [
        (
            Dialect::Anthropic,
            "\"role\":\"assistant\"",
            "\"role\":\"user\"",
        ),
        (
            Dialect::Anthropic,
            "\"type\":\"text\"",
            "\"type\":\"tool_use\"",
        ),
        (
            Dialect::Chat,
            "\"finish_reason\":\"stop\"",
            "\"finish_reason\":\"tool_calls\"",
        ),
        (Dialect::Chat, "\"id\":\"call_A\",", ""),
        (
            Dialect::Responses,
            "\"status\":\"completed\",\"error\"",
            "\"status\":\"queued\",\"error\"",
        ),
        (Dialect::Responses, "\"name\":\"read\"", "\"name\":1"),
    ] {
        let reply = String::from_utf8(recorded(dialect, false).to_vec()).unwrap();
        assert!(reply.contains(from));
        let reply = reply.replacen(from, to, 1);
        assert!(check(dialect, false, reply.as_bytes()).is_err(), "{from}");
    }
}
