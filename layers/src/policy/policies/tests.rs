//! All of them in one house.

use proptest::prelude::*;
use serde_json::json;

use crate::policy::{Decide, Entry, Mode, Parallel, find, testing::Case};

#[allow(clippy::needless_pass_by_value, reason = "as `json!` makes it")]
fn entry(name: &str, with: serde_json::Value) -> Entry {
    find(name).unwrap().build(&with).unwrap()
}

fn together() -> Vec<Entry> {
    let reviewers =
        ["a*", "*b"].map(|tool| entry("deny-tools", json!({"tools": [tool]})).with_name(tool));
    let review = Parallel::new(Decide::Unanimous, reviewers.to_vec()).unwrap();
    vec![
        entry(
            "replace",
            json!({"from": "foo", "to": "bar", "keep_case": true, "in": "both"}),
        ),
        entry(
            "replace",
            json!({"from": "b[a-z]r", "to": "<$0>", "regex": true, "window": 8}),
        )
        .with_name("pattern"),
        entry("all-caps", json!({})),
        entry("deny-tools", json!({"tools": ["no"], "offer": "remove"})),
        entry("deny-tools", json!({"tools": ["hm"]}))
            .with_name("warns")
            .with_mode(Mode::Warn),
        entry("deny-tools", json!({"tools": ["*"]}))
            .with_name("watches")
            .with_mode(Mode::Observe),
        review.into_entry("review"),
        entry("indicator", json!({"text": "turn", "words": "watched"})),
        entry("conversation-link", json!({"url": "https://l/{session}"})),
        entry("debug-log", json!({})),
        entry("noop", json!({})),
    ]
}

#[derive(Clone, Debug)]
enum Part {
    Thinking,
    Text(String),
    Call(&'static str),
}

fn part() -> impl Strategy<Value = Part> {
    prop_oneof![
        Just(Part::Thinking),
        "[fobarü \n]{1,20}|(foo|bar|Foo|ber){1,3}".prop_map(Part::Text),
        prop::sample::select(vec!["no", "hm", "ab", "a", "b", "yes"]).prop_map(Part::Call),
    ]
}

/// What the editors make of a text.
fn edited(text: &str) -> String {
    let folded = regex::Regex::new("(?i)foo").unwrap();
    let replaced = folded.replace_all(text, |found: &regex::Captures<'_>| match &found[0] {
        "Foo" => "Bar",
        _ => "bar",
    });
    let pattern = regex::Regex::new("b[a-z]r").unwrap();
    pattern.replace_all(&replaced, "<$0>").to_uppercase()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn every_client_sees_the_same_and_nothing_that_is_denied(parts in prop::collection::vec(part(), 0..6), cut_short: bool) {
        let mut case = Case::of(together()).session("s");
        for (place, part) in parts.iter().enumerate() {
            case = match part {
                Part::Thinking => case.reply_thinking("foo"),
                Part::Text(text) => case.reply_text(text),
                Part::Call(name) => case.reply_tool_call(*name, json!({"foo": place})),
            };
        }
        if cut_short {
            case = case.reply_cut_short();
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let seen = runtime.block_on(case.run());
        let calls: Vec<_> = seen.tool_calls().into_iter().map(|(name, _)| name).collect();
        let expected = parts.iter().filter_map(|part| match part {
            Part::Call(name) if !["no", "ab"].contains(name) => Some((*name).to_owned()),
            _ => None,
        });
        let expected: Vec<_> = expected.collect();
        prop_assert_eq!(&calls, &expected);
        let denied = parts.iter().filter(|part| matches!(part, Part::Call("no" | "ab"))).count();
        let text = seen.text();
        prop_assert_eq!(text.matches("Luthien blocked").count(), denied, "{}", text);
        for part in &parts {
            if let Part::Text(said) = part {
                let said = edited(said.trim());
                prop_assert!(text.contains(&said), "{said:?} in {text:?}");
            }
        }
        let is_over = calls.is_empty() && !cut_short && (denied > 0 || parts.iter().any(|part| matches!(part, Part::Text(_))));
        prop_assert_eq!(text.ends_with("watched\n\nThis conversation: https://l/s"), is_over, "{}", text);
    }
}
