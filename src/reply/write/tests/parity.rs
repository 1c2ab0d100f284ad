//! A streamed and a whole reply look the same to a client when the same is changed in them.

use proptest::{collection, prelude::*};

use super::*;

#[track_caller]
fn both(dialect: Dialect, changes: &Changes, seed: u64) -> View {
    let chunks = events(dialect, &recorded(dialect, true), seed);
    let mut streamed = seen(dialect, &change(dialect, chunks, changes));
    let mut whole = seen_whole(dialect, changes);
    // What the provider runs itself stands behind the calls in the recorded reply; in a stream, nothing waits for it.
    for view in [&mut streamed, &mut whole] {
        view.blocks
            .sort_by_key(|block| (block.choice, block.kind == BlockKind::ServerTool));
    }
    assert!(
        streamed == whole,
        "{dialect}: {changes:?}\nstreamed: {streamed:?}\nwhole:    {whole:?}"
    );
    streamed
}

#[test]
fn one_call_that_is_dropped_is_gone_and_the_other_is_still_waited_for() {
    for dialect in Dialect::ALL {
        let [first, second] = calls(dialect);
        for (dropped, left) in [(first, 1), (second, 0)] {
            let changes = Changes {
                dropped: [dropped].into(),
                ..Changes::default()
            };
            let all = both(dialect, &Changes::default(), 1);
            let view = both(dialect, &changes, 1);
            let is_call = |block: &&protocol::ViewBlock| block.kind == BlockKind::ToolCall;
            let expected = all.blocks.iter().filter(is_call).nth(left);
            assert_eq!(view.blocks.iter().find(is_call), expected, "{dialect}");
            assert_eq!(view.blocks.len(), all.blocks.len() - 1, "{dialect}");
            assert_eq!(view.stops, all.stops, "{dialect}");
        }
    }
}

#[test]
fn a_turn_without_the_calls_it_stopped_for_ends() {
    for (dialect, end) in [
        (Dialect::Anthropic, "end_turn"),
        (Dialect::Chat, "stop"),
        (Dialect::Responses, "completed"),
    ] {
        let changes = Changes {
            dropped: calls(dialect).into(),
            notices: [(0, vec!["Two calls were blocked.".to_owned()])].into(),
            ..Changes::default()
        };
        let view = both(dialect, &changes, 2);
        assert_eq!(view.stops[&0], end, "{dialect}");
        assert!(
            short(&view)
                .iter()
                .any(|text| text.ends_with("Two calls were blocked.")),
            "{dialect}: {view:?}"
        );
        assert!(
            !view
                .blocks
                .iter()
                .any(|block| block.kind == BlockKind::ToolCall)
        );
    }
}

#[test]
fn notices_stand_after_the_text_and_before_the_calls() {
    let input = r#"{"path":"a.txt","n":12345678901234567890123}"#;
    let input: serde_json::Value = serde_json::from_str(input).unwrap();
    let read = format!("Read({input})");
    for (dialect, expected) in [
        (
            Dialect::Anthropic,
            vec![
                "Two files: Grüße, 世界 🌍 \u{2028} \"both\".",
                "",
                "Let me look.\n",
                "One.",
                "Two.",
                &read,
                r#"Bash({"command":"ls"})"#,
            ],
        ),
        (
            Dialect::Chat,
            vec![
                "Two files.",
                "Let me look.\n\nOne.\n\nTwo.",
                r#"read({"path":"a.txt"})"#,
                r#"bash({"cmd":"ls"})"#,
                "I can't help.",
            ],
        ),
    ] {
        let changes = Changes {
            notices: [(0, vec!["One.".to_owned(), "Two.".to_owned()])].into(),
            ..Changes::default()
        };
        assert_eq!(short(&both(dialect, &changes, 3)), expected, "{dialect}");
    }
}

#[test]
fn every_kind_of_change_looks_the_same_in_both_forms() {
    for dialect in Dialect::ALL {
        let [first, second] = calls(dialect);
        let text = text(dialect);
        let more = |more: &str| BTreeMap::from([(0, more.to_owned())]);
        for changes in [
            Changes::default(),
            Changes {
                texts: [(text, "Другой".to_owned())].into(),
                ..Changes::default()
            },
            Changes {
                dropped: [thinking()].into(),
                ..Changes::default()
            },
            Changes {
                dropped: [text].into(),
                appended: more("more"),
                ..Changes::default()
            },
            Changes {
                appended: more(" More."),
                ..Changes::default()
            },
            Changes {
                texts: [(text, "other".to_owned()), (thinking(), "hm".to_owned())].into(),
                appended: more(" More."),
                inputs: [
                    (first, r#"{"a":"\u2028 1"}"#.to_owned()),
                    (second, r#"{"b":2}"#.to_owned()),
                ]
                .into(),
                ..Changes::default()
            },
            Changes {
                dropped: [second].into(),
                inputs: [(first, "{}".to_owned())].into(),
                notices: [(0, vec!["No.".to_owned()])].into(),
                calls_last: true,
                ..Changes::default()
            },
        ] {
            for seed in 0..5 {
                both(dialect, &changes, seed);
            }
        }
    }
}

#[test]
fn other_choices_are_left_alone() {
    let changes = Changes {
        notices: [(1, vec!["No.".to_owned()])].into(),
        appended: [(1, "More.".to_owned())].into(),
        dropped: [block(1, 1, 0)].into(),
        ..Changes::default()
    };
    let view = both(Dialect::Chat, &changes, 1);
    assert_eq!(short(&view)[4..], ["More.\n\nNo."]);
    assert_eq!(view.stops[&0], "tool_calls");
}

/// Changes to the recorded reply of a dialect.
fn any_changes(dialect: Dialect) -> impl Strategy<Value = Changes> {
    let words = || "[a-zé\u{2028}\u{1F30D}\"\\\\ \n]{1,12}";
    let [first, second] = calls(dialect);
    let text = text(dialect);
    let droppable = prop::sample::subsequence(vec![thinking(), text, first, second], 0..=4);
    let texts = collection::btree_map(prop::sample::select(vec![text, thinking()]), words(), 0..=2);
    let input = words().prop_map(|text| serde_json::json!({ "x": text }).to_string());
    let inputs = collection::btree_map(prop::sample::select(vec![first, second]), input, 0..=2);
    let notices = collection::vec(words(), 0..3);
    let appended = prop::option::of(words());
    (droppable, texts, inputs, notices, appended).prop_map(
        |(dropped, texts, inputs, notices, appended)| Changes {
            dropped: dropped.into_iter().collect(),
            texts,
            inputs,
            notices: if notices.is_empty() {
                BTreeMap::new()
            } else {
                [(0, notices)].into()
            },
            appended: appended.map(|more| (0, more)).into_iter().collect(),
            calls_last: false,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_changes_leave_a_sound_reply_in_both_forms(
        (dialect, changes) in prop::sample::select(Dialect::ALL.to_vec())
            .prop_flat_map(|dialect| (Just(dialect), any_changes(dialect))),
        seed in 0..1000_u64,
    ) {
        both(dialect, &changes, seed);
    }
}
