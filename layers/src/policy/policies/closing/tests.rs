use luthien_core::{Dialect, facts::Purpose};
use serde_json::{Value, json};

use super::*;
use crate::policy::{
    Entry, Mode, find,
    testing::{Case, Seen},
};

const WORDS: &str = "logged and monitored by Luthien";

fn indicator(with: &Value) -> Entry {
    find("indicator").unwrap().build(with).unwrap()
}

fn link() -> Entry {
    let with = json!({"url": "https://l.example/c/{session}?x", "words": "See"});
    find("conversation-link").unwrap().build(&with).unwrap()
}

fn hello(entry: Entry) -> Case {
    Case::of([entry]).reply_text("Hello.")
}

fn shown(seen: &Seen) -> bool {
    assert!(seen.text().starts_with("Hello."), "{}", seen.text());
    assert_eq!(seen.header("x-luthien-monitored"), Some("true"));
    seen.text().ends_with(WORDS)
}

#[test]
fn the_words_are_taken_out_where_they_were_put() {
    let fixed = Closing::fixed("watched");
    let link = Closing::with_session("see https://l/", "/x");
    let both = format!("Hello.{}{}", fixed.words("s"), link.words("a-1"));
    assert_eq!(both, "Hello.\n\nwatched\n\nsee https://l/a-1/x");
    let once = fixed.stripped(&both, false).unwrap();
    assert_eq!(once, "Hello.\n\nsee https://l/a-1/x");
    assert_eq!(link.stripped(&once, false).as_deref(), Some("Hello."));
    let once = link.stripped(&both, false).unwrap();
    assert_eq!(fixed.stripped(&once, false).as_deref(), Some("Hello."));
}

#[test]
fn what_the_model_said_itself_stays() {
    let fixed = Closing::fixed("watched");
    let link = Closing::with_session("see https://l/", "/x");
    for text in [
        "watched",
        "\n\nwatched",
        " \n\nwatched",
        "I am\nwatched",
        "I am\n\nwatched by many",
        "I am\n\nwatched\nby many",
        "I am\n\nwatched\n\nby\nmany",
        "I am\n\nwatched\n\n",
        "I am\n\nwatched\n\na\n\nb\n\nc\n\nd\n\ne",
    ] {
        assert_eq!(fixed.stripped(text, false), None, "{text:?}");
    }
    for text in ["a\n\nsee https://l/b c/x", "a\n\nsee https://l/b"] {
        assert_eq!(link.stripped(text, false), None, "{text:?}");
    }
}

#[test]
fn words_that_were_given_a_text_of_their_own_leave_nothing() {
    let fixed = Closing::fixed("watched");
    let link = Closing::with_session("see https://l/", "/x");
    let both = "watched\n\nsee https://l/a-1/x";
    assert_eq!(
        fixed.stripped(both, true).as_deref(),
        Some("see https://l/a-1/x")
    );
    assert_eq!(link.stripped(both, true).as_deref(), Some("watched"));
    assert_eq!(fixed.stripped("watched", true).as_deref(), Some(""));
    assert_eq!(fixed.stripped("watched", false), None, "the model's own");
    assert_eq!(fixed.stripped("watched by many", true), None);
}

#[tokio::test]
async fn the_indicator_is_shown_once_in_a_conversation() {
    let plain = || indicator(&Value::Null);
    assert!(shown(&hello(plain()).session("s").run().await));
    assert!(!shown(&hello(plain()).session("s").times(2).run().await));
    assert!(
        shown(&hello(plain()).times(2).run().await),
        "each is a conversation of its own"
    );
    let every = indicator(&json!({"text": "turn"}));
    assert!(shown(&hello(every).session("s").times(2).run().await));
    let never = indicator(&json!({"text": "never"}));
    assert!(!shown(&hello(never).session("s").run().await));
    let other = indicator(&json!({"words": "recorded", "header": false}));
    let seen = hello(other).run().await;
    assert_eq!(
        (seen.text().as_str(), seen.header("x-luthien-monitored")),
        ("Hello.\n\nrecorded", None)
    );
    let watching = indicator(&Value::Null).with_mode(Mode::Observe);
    assert_eq!(hello(watching).run().await.text(), "Hello.");
}

#[tokio::test]
async fn the_indicator_stands_behind_the_last_text_of_a_turn_that_is_over() {
    let plain = || indicator(&Value::Null);
    let seen = Case::of([plain()])
        .reply_thinking("Hm.")
        .reply_text("Hello.")
        .reply_text("World.")
        .run()
        .await;
    assert!(
        seen.text().ends_with(&format!("World.\n\n{WORDS}")),
        "{}",
        seen.text()
    );
    assert_eq!(seen.stop_reason(), "end_turn");
    let calling = hello(plain()).reply_tool_call("f", json!({})).run().await;
    assert!(!shown(&calling));
    let cut = hello(plain()).reply_cut_short().run().await;
    assert!(!shown(&cut));
    let silent = Case::of([plain()]).reply_thinking("Hm.").run().await;
    assert_eq!(silent.text(), "");
}

#[tokio::test]
async fn what_no_person_reads_neither_shows_nor_consumes_it() {
    for purpose in [
        Purpose::Probe,
        Purpose::Title,
        Purpose::Compaction,
        Purpose::SubAgent { id: None },
    ] {
        let seen = hello(indicator(&json!({"text": "turn"})))
            .purpose(purpose)
            .run()
            .await;
        assert!(!shown(&seen));
    }
    assert!(shown(
        &hello(indicator(&Value::Null))
            .purpose(Purpose::Turn)
            .run()
            .await
    ));
    let schema = json!({"type": "json_schema", "schema": {"type": "object"}});
    for (dialect, name, value) in [
        (
            Dialect::Anthropic,
            "output_config",
            json!({"format": schema}),
        ),
        (Dialect::Anthropic, "output_format", schema.clone()),
        (Dialect::Anthropic, "max_tokens", json!(1)),
        (
            Dialect::Chat,
            "response_format",
            json!({"type": "json_object"}),
        ),
        (
            Dialect::Chat,
            "response_format",
            json!({"type": "json_schema", "json_schema": {}}),
        ),
        (Dialect::Responses, "text", json!({"format": schema})),
    ] {
        let mut request = json!({"model": "m", "messages": [{"role": "user", "content": "x"}]});
        request[name] = value.clone();
        let case = hello(indicator(&Value::Null))
            .dialect(dialect)
            .request(request);
        assert!(!shown(&case.run().await), "{name} {value}");
    }
    for (dialect, name, value) in [
        (
            Dialect::Anthropic,
            "output_config",
            json!({"effort": "medium"}),
        ),
        (Dialect::Chat, "response_format", json!({"type": "text"})),
        (
            Dialect::Responses,
            "text",
            json!({"format": {"type": "text"}}),
        ),
    ] {
        let mut request = json!({"model": "m", "messages": [{"role": "user", "content": "x"}]});
        request[name] = value.clone();
        let case = hello(indicator(&Value::Null))
            .dialect(dialect)
            .request(request);
        assert!(shown(&case.run().await), "{name} {value}");
    }
}

#[tokio::test]
async fn the_provider_sees_exactly_what_it_wrote() {
    let said = |said: &str| {
        json!({"model": "m", "messages": [
            {"role": "user", "content": format!("Hi\n\n{WORDS}")},
            {"role": "assistant", "content": said},
            {"role": "user", "content": "Go on"},
        ]})
    };
    let shown = format!("Hello.\n\n{WORDS}\n\nSee: https://l.example/c/s%20%2F1?x");
    for dialect in Dialect::ALL {
        let entries = [indicator(&Value::Null), link()];
        let case = Case::of(entries)
            .dialect(dialect)
            .session("s /1")
            .reply_text("Hello.");
        let first = case.run().await;
        assert_eq!(first.text(), shown);
        let entries = [indicator(&Value::Null), link()];
        let case = Case::of(entries)
            .dialect(dialect)
            .session("s /1")
            .request(said(&shown));
        let sent = case.run().await;
        let sent = sent.upstream_request().unwrap();
        let list = sent.get("messages").or(sent.get("input")).unwrap();
        let expected = said("Hello.");
        assert_eq!(list, &expected["messages"], "{dialect}");
    }
}

#[tokio::test]
async fn the_history_of_agents_is_cleaned_wherever_their_dialect_puts_text() {
    let shown = format!("Hello.\n\n{WORDS}");
    for (dialect, list, part) in [
        (Dialect::Anthropic, "messages", "text"),
        (Dialect::Chat, "messages", "text"),
        (Dialect::Responses, "input", "output_text"),
    ] {
        let text = |text: &str| json!({"type": part, "text": text, "x": 1.0});
        let said = |words: &str| {
            json!([
                {"role": "assistant", "type": "message", "content": [text("One."), text(words)]},
                {"role": "user", "type": "message", "content": [text(&shown)]},
            ])
        };
        let mut request = json!({"model": "m"});
        request[list] = said(&shown);
        let case = Case::of([indicator(&Value::Null)])
            .dialect(dialect)
            .request(request);
        let seen = case.run().await;
        assert_eq!(
            seen.upstream_request().unwrap()[list],
            said("Hello."),
            "{dialect}"
        );
    }
}

#[tokio::test]
async fn the_link_is_said_at_the_first_turn_of_a_conversation_with_a_name() {
    let seen = hello(link()).session("abc-1").run().await;
    assert_eq!(seen.text(), "Hello.\n\nSee: https://l.example/c/abc-1?x");
    let seen = hello(link()).session("abc-1").times(3).run().await;
    assert_eq!(seen.text(), "Hello.");
    let seen = hello(link()).run().await;
    assert_eq!(seen.text(), "Hello.", "nobody knows which");
    let probe = hello(link()).session("abc-1").purpose(Purpose::Probe);
    assert_eq!(probe.run().await.text(), "Hello.");
}

#[test]
fn settings_that_cannot_be_meant_are_refused() {
    for (name, with, complaint) in [
        (
            "indicator",
            json!({"words": " "}),
            "words: it must be one line",
        ),
        (
            "indicator",
            json!({"words": "a\nb"}),
            "words: it must be one line",
        ),
        (
            "indicator",
            json!({"text": "always"}),
            "text: unknown variant `always`",
        ),
        ("conversation-link", json!({}), "missing field `url`"),
        (
            "conversation-link",
            json!({"url": "https://x"}),
            "url: it must contain {session}",
        ),
        (
            "conversation-link",
            json!({"url": "ftp://x/{session}"}),
            "url: it must be an address",
        ),
        (
            "conversation-link",
            json!({"url": "/x/{session}"}),
            "url: it must be an address",
        ),
    ] {
        let error = find(name).unwrap().build(&with).map(|_| ()).unwrap_err();
        assert!(error.to_string().starts_with(complaint), "{with}: {error}");
    }
}

#[tokio::test]
async fn it_stands_behind_the_explanation_of_what_was_blocked() {
    let deny = || {
        find("deny-tools")
            .unwrap()
            .build(&json!({"tools": ["*"]}))
            .unwrap()
    };
    for calls in 1..3 {
        let case = Case::of([deny(), indicator(&Value::Null)]).reply_text("Hello.");
        let case = (0..calls).fold(case, |case, _| case.reply_tool_call("f", json!({"a": 1})));
        let text = case.run().await.text();
        assert_eq!(text.matches(WORDS).count(), 1, "{text}");
        assert!(text.ends_with(WORDS), "{text}");
    }
}

#[tokio::test]
async fn texts_of_nothing_but_our_words_leave_the_history() {
    let sent = |dialect, list: &'static str, said: Value| async move {
        let request = json!({"model": "m", list: said});
        let case = Case::of([indicator(&Value::Null), link()]).dialect(dialect);
        let seen = case.session("s").request(request).run().await;
        seen.upstream_request().unwrap()[list].clone()
    };
    let words = format!("{WORDS}\n\nSee: https://l.example/c/s?x");
    let text = |text: &str| json!({"type": "text", "text": text});
    let said = |last: &[Value]| {
        let thinking = json!({"type": "thinking", "thinking": "hm", "signature": "x"});
        let content = [&[text("Hello."), thinking], last].concat();
        json!([{"role": "assistant", "content": content}, {"role": "user", "content": [text(&words)]}])
    };
    assert_eq!(
        sent(Dialect::Anthropic, "messages", said(&[text(&words)])).await,
        said(&[])
    );

    let item = |text: &str| json!({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]});
    let asked = json!({"role": "user", "content": WORDS});
    let said = |last: &[Value]| {
        Value::from(
            [
                &[asked.clone(), item("Hello.")],
                last,
                std::slice::from_ref(&asked),
            ]
            .concat(),
        )
    };
    assert_eq!(
        sent(Dialect::Responses, "input", said(&[item(&words)])).await,
        said(&[])
    );
    let own = json!([asked, item(WORDS), asked]);
    assert_eq!(sent(Dialect::Responses, "input", own.clone()).await, own);
}
