use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::policy::{Entry, Outcome, find, testing::Case};

fn replace(with: &Value) -> Entry {
    find("replace").unwrap().build(with).unwrap()
}

async fn said(with: Value, text: &str) -> String {
    Case::of([replace(&with)])
        .reply_text(text)
        .run()
        .await
        .text()
}

#[tokio::test]
async fn a_text_is_replaced_wherever_it_was_cut() {
    let with = json!({"from": "foobar", "to": "🌍"});
    assert_eq!(
        said(with, "foobar foofoobar fooba rfoobarfoobar foo").await,
        "🌍 foo🌍 fooba r🌍🌍 foo"
    );
    assert_eq!(
        said(json!({"from": "ü", "to": "ue"}), "Grüße, ü").await,
        "Grueße, ue"
    );
    assert_eq!(
        said(json!({"from": "aab", "to": "x"}), "aaab aabaab aa").await,
        "ax xx aa"
    );
    assert_eq!(
        said(json!({"from": "secret", "to": ""}), "no secret here").await,
        "no  here"
    );
}

#[tokio::test]
async fn letter_case_is_taken_over() {
    let with = json!({"from": "colour", "to": "hue", "keep_case": true});
    let text = "colour Colour COLOUR cOlour colou";
    assert_eq!(said(with, text).await, "hue Hue HUE hue colou");
    let with = json!({"from": "colou?r", "to": "hue", "keep_case": true, "regex": true});
    assert_eq!(said(with, text).await, "hue Hue HUE hue colou");
}

#[tokio::test]
async fn a_pattern_is_replaced_wherever_it_was_cut() {
    for (from, to, text, expected) in [
        (
            r"ticket-(\d+)",
            "<$1>",
            "see ticket-12, ticket-345 and ticket-",
            "see <12>, <345> and ticket-",
        ),
        (
            r"(?<y>\d{4})-(?<m>\d\d)",
            "$m/$y",
            "2026-11 2026-1",
            "11/2026 2026-1",
        ),
        (
            r"\bcat\b",
            "dog",
            "cat concat cat, catcat cat",
            "dog concat dog, catcat dog",
        ),
        (r"^a", "b", "a a\na", "b a\na"),
        (r"(?m)^a", "b", "a a\na", "b a\nb"),
        (r"a$", "b", "a a\na", "a a\nb"),
        (r"x*", "-", "axxb", "a-b"),
        (r"$", "-", "ab", "ab"),
        (r"[äöü]+", "_", "Grüüße an äöü", "Gr_ße an _"),
        (r"(?s)<.*>", "-", "<a>\n<b> c", "- c"),
    ] {
        let with = json!({"from": from, "to": to, "regex": true, "window": 12});
        assert_eq!(said(with, text).await, expected, "{from}");
    }
}

#[tokio::test]
async fn a_match_longer_than_the_window_is_none() {
    let with = json!({"from": "<[^>]*>", "to": "-", "regex": true, "window": 5});
    assert_eq!(said(with, "<123> <1234> <<12> <").await, "- <1234> - <");
    let with = json!({"from": "x.*y", "to": "-", "regex": true, "window": 5});
    assert_eq!(said(with, "xy x12345y xyxy").await, "- x12345y -");
}

#[tokio::test]
async fn thinking_and_tool_calls_stay() {
    let seen = Case::of([replace(&json!({"from": "foo", "to": "bar"}))])
        .reply_thinking("foo?")
        .reply_text("foo!")
        .reply_tool_call("foo", json!({"foo": "foo"}))
        .run()
        .await;
    assert_eq!(
        (seen.thinking().as_str(), seen.text().as_str()),
        ("foo?", "bar!")
    );
    assert_eq!(
        seen.tool_calls(),
        [("foo".to_owned(), json!({"foo": "foo"}))]
    );
    assert_eq!(seen.outcomes(), [Outcome::Modify]);
}

#[tokio::test]
async fn what_the_person_and_the_system_write_is_replaced_in_requests() {
    let request = json!({
        "model": "foo",
        "system": [{"type": "text", "text": "foo", "cache_control": {"type": "ephemeral"}}],
        "messages": [
            {"role": "user", "content": "a foo \u{2028}"},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "foo", "signature": "foo"},
                {"type": "text", "text": "foo"},
                {"type": "tool_use", "id": "t", "name": "foo", "input": {"foo": "foo"}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "t", "content": "foo"},
                {"type": "text", "text": "foo"},
                {"type": "image", "source": {"type": "base64", "data": "foo"}},
            ]},
            {"role": "system", "content": "foo"},
        ],
    });
    let mut expected = request.clone();
    expected["system"][0]["text"] = json!("bar");
    expected["messages"][0]["content"] = json!("a bar \u{2028}");
    expected["messages"][2]["content"][1]["text"] = json!("bar");
    expected["messages"][3]["content"] = json!("bar");
    let sent = |place: &str, request: &Value| {
        let with = json!({"from": "foo", "to": "bar", "in": place});
        Case::of([replace(&with)])
            .dialect(luthien_core::Dialect::Anthropic)
            .request(request.clone())
            .reply_text("foo")
    };
    let without_stream = |seen: &crate::policy::testing::Seen| {
        let mut sent = seen.upstream_request().unwrap().clone();
        sent.as_object_mut().unwrap().remove("stream");
        sent
    };
    let seen = sent("request", &request).run().await;
    assert_eq!(without_stream(&seen), expected);
    assert_eq!(seen.text(), "foo");
    let seen = sent("both", &request).run().await;
    assert_eq!(
        (without_stream(&seen), seen.text()),
        (expected, "bar".to_owned())
    );
    let seen = sent("reply", &request).run().await;
    assert_eq!(
        (without_stream(&seen), seen.text()),
        (request, "bar".to_owned())
    );
}

#[tokio::test]
async fn plain_requests_are_edited_in_every_dialect() {
    let request = json!({"model": "m", "messages": [
        {"role": "system", "content": "foo"}, {"role": "user", "content": "x foo"},
        {"role": "assistant", "content": "foo"}, {"role": "user", "content": "bar"},
    ]});
    for dialect in luthien_core::Dialect::ALL {
        let with = json!({"from": "foo", "to": "bar", "in": "request"});
        let case = Case::of([replace(&with)])
            .dialect(dialect)
            .request(request.clone());
        let seen = case.run().await;
        let sent = seen.upstream_request().unwrap();
        let list = sent.get("messages").or(sent.get("input")).unwrap();
        let said: Vec<_> = (0..4)
            .map(|place| list[place]["content"].as_str().unwrap())
            .collect();
        assert_eq!(said, ["bar", "x bar", "foo", "bar"], "{dialect}");
    }
}

#[test]
fn settings_that_cannot_be_meant_are_refused() {
    for (with, complaint) in [
        (json!({"from": "", "to": "x"}), "from: it must not be empty"),
        (
            json!({"from": "(", "to": "x", "regex": true}),
            "from: regex parse error",
        ),
        (
            json!({"from": "a", "to": "x", "window": 0}),
            "window: it must be from 1 to 4096",
        ),
        (
            json!({"from": "a", "to": "x", "in": "replies"}),
            "in: unknown variant `replies`, expected one of",
        ),
        (
            json!({"from": "a", "too": "x"}),
            "too: unknown field `too`, expected one of",
        ),
    ] {
        let error = find("replace")
            .unwrap()
            .build(&with)
            .map(|_| ())
            .unwrap_err();
        assert!(error.to_string().starts_with(complaint), "{with}: {error}");
    }
}

/// Edits a text in pieces, as the engine would.
fn in_pieces(finder: &Finder, text: &str, cuts: &[usize]) -> String {
    let (mut waiting, mut edited, mut before) = (String::new(), String::new(), None);
    let mut cuts: Vec<_> = cuts
        .iter()
        .map(|at| text.floor_char_boundary(at % (text.len() + 1)))
        .collect();
    cuts.sort_unstable();
    let mut start = 0;
    for (end, last) in cuts
        .into_iter()
        .map(|at| (at, false))
        .chain([(text.len(), true)])
    {
        waiting.push_str(&text[start..end]);
        start = end;
        let edits = finder.find(before, &waiting, last);
        assert!(edits.is_sound(&waiting), "{edits:?}");
        edited.push_str(&edits.apply(&waiting));
        before = waiting[..edits.settled].chars().next_back().or(before);
        waiting.drain(..edits.settled);
        let most = match finder {
            Finder::Literal(literal) => literal.look_behind(),
            Finder::Pattern(pattern) => pattern.look_behind(),
        };
        assert!(waiting.len() <= most, "{waiting:?}");
    }
    assert_eq!(waiting, "");
    edited
}

proptest! {
    #[test]
    fn it_does_not_matter_where_a_text_is_cut(
        text in "[abAB ü\n]{0,60}",
        literal in "[abü]{1,5}",
        keep_case: bool,
        pattern in prop::sample::select(vec![
            "a+b", "(a|ab)(ü|bü)?", r"\ba", r"b\b", "(?m)^a|b$", "[^a]{3,9}", "a.*b", "a.*?$", "(?s)b.{0,3}b", r"\Aa", r"a\z",
            "b*", r"\Bü", "a(b$)?",
        ]),
        window in 1_usize..12,
        cuts in prop::collection::vec(0_usize..100, 0..20),
    ) {
        let finder = Finder::Literal(Literal::new(literal.clone(), "-".into(), keep_case));
        let whole = finder.find(None, &text, true).apply(&text);
        prop_assert_eq!(&in_pieces(&finder, &text, &cuts), &whole);
        if !keep_case {
            prop_assert_eq!(whole, text.replace(&literal, "-"));
        }
        let finder = Finder::Pattern(Pattern::new(pattern, "-".into(), keep_case, window).unwrap());
        let whole = finder.find(None, &text, true).apply(&text);
        prop_assert_eq!(in_pieces(&finder, &text, &cuts), whole);
    }

    #[test]
    fn a_pattern_with_room_enough_does_what_it_does_elsewhere(text in "[ab ü\n]{0,60}") {
        for pattern in ["a+b", r"\ba\B", "(?m)^a|b$", "a.*?b", "(a|ab)(ü|bü)?", r"\Aa|b\z"] {
            let finder = Finder::Pattern(Pattern::new(pattern, "-".into(), false, 256).unwrap());
            let expected = regex::Regex::new(pattern).unwrap();
            let edited = finder.replace(&text).unwrap_or_else(|| text.clone());
            prop_assert_eq!(edited, expected.replace_all(&text, "-"));
        }
    }
}
