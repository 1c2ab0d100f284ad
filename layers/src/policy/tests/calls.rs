use luthien_core::request::BlockKind;

use super::*;

#[tokio::test]
async fn what_is_allowed_leaves_as_the_bytes_that_came() {
    let house = House::new(vec![Entry::new("p", blocking("nothing"))]);
    for (dialect, stream, reply) in everywhere() {
        for seed in 0..20 {
            let script = if stream {
                Reply::events(&reply, seed)
            } else {
                Reply::json(&reply, seed)
            };
            let response = house.ask(dialect, stream, script).await;
            let got = response.into_body().unwrap();
            if dialect == Dialect::Chat && stream {
                // Two choices: one does not wait for the other's calls.
                assert_eq!(
                    check(dialect, stream, &got).unwrap(),
                    check(dialect, stream, &reply).unwrap()
                );
            } else {
                let (got, reply) = (
                    String::from_utf8_lossy(&got),
                    String::from_utf8_lossy(&reply),
                );
                assert_eq!(
                    got.lines().collect::<Vec<_>>(),
                    reply.lines().collect::<Vec<_>>(),
                    "{dialect} {stream} {seed}"
                );
            }
        }
    }
    assert!(
        house
            .noted
            .outcomes()
            .iter()
            .all(|outcome| *outcome == Outcome::Allow)
    );
}

#[tokio::test]
async fn a_blocked_call_is_replaced_by_an_explanation_before_the_others() {
    for (dialect, stream, reply) in everywhere() {
        let house = House::new(vec![Entry::new("p", blocking("read"))]);
        let before = check(dialect, stream, &reply).unwrap();
        let after = house.view_once(dialect, stream, &reply, 3).await;
        let kept: Vec<_> = calls(&before)
            .into_iter()
            .filter(|name| !name.eq_ignore_ascii_case("read"))
            .collect();
        assert_eq!(calls(&after), kept, "{dialect} {stream}");
        let blocks = &after.blocks;
        let explained = blocks
            .iter()
            .position(|block| block.text.contains("not here"))
            .unwrap();
        let first_call = blocks
            .iter()
            .position(|block| block.kind == BlockKind::ToolCall)
            .unwrap();
        assert!(explained < first_call, "{dialect} {stream}");
        assert_eq!(
            after.stops, before.stops,
            "calls are left, so the reason stays"
        );
        assert!(!text(&after).contains("operator's eyes only"));
    }
}

#[tokio::test]
async fn with_no_call_left_the_turn_ends_and_says_so() {
    for (dialect, stream, reply) in everywhere() {
        let house = House::new(vec![Entry::new("p", blocking(""))]);
        let after = house.view_once(dialect, stream, &reply, 5).await;
        assert!(
            !after
                .blocks
                .iter()
                .any(|block| block.kind == BlockKind::ToolCall)
        );
        let stop = match dialect {
            Dialect::Anthropic => "end_turn",
            Dialect::Chat => "stop",
            _ => "completed",
        };
        assert_eq!(after.stops[&0], stop, "{dialect} {stream}");
        // The other choice of Chat's, and whatever is no call, is as it was.
        let others = |view: &View| -> Vec<_> {
            let kept = |kind| !matches!(kind, BlockKind::ToolCall | BlockKind::Text);
            view.blocks
                .iter()
                .filter(|block| kept(block.kind))
                .cloned()
                .collect()
        };
        assert_eq!(
            others(&after),
            others(&check(dialect, stream, &reply).unwrap())
        );
    }
}

#[tokio::test]
async fn the_client_sees_the_same_however_the_reply_arrives() {
    for (dialect, _, _) in everywhere() {
        let fresh = || House::new(vec![Entry::new("p", blocking("read"))]);
        let streamed = fresh()
            .view_once(dialect, true, &recorded(dialect, true), 0)
            .await;
        for seed in 1..30 {
            let other = fresh()
                .view_once(dialect, true, &recorded(dialect, true), seed)
                .await;
            assert_eq!(other, streamed, "{dialect} {seed}");
        }
        let whole = fresh()
            .view_once(dialect, false, &recorded(dialect, false), 0)
            .await;
        assert_eq!(calls(&whole), calls(&streamed));
        assert_eq!(text(&whole), text(&streamed), "{dialect}");
        assert_eq!(whole.stops, streamed.stops);
    }
}

#[tokio::test]
async fn changed_arguments_arrive_in_every_place_where_a_client_reads_them() {
    let policy = || {
        OnCalls(|call: &ToolCall, _: &Context| {
            Ok(if call.name().eq_ignore_ascii_case("read") {
                Verdict::Replace(r#"{"path":"other"}"#.to_owned())
            } else {
                Verdict::Allow
            })
        })
    };
    for (dialect, stream, reply) in everywhere() {
        let house = House::new(vec![Entry::new("p", policy())]);
        let view = house.view(dialect, stream, &reply).await;
        let read = view.blocks.iter().find(|block| {
            block
                .name
                .as_deref()
                .is_some_and(|name| name.eq_ignore_ascii_case("read"))
        });
        assert_eq!(
            read.unwrap().input,
            r#"{"path":"other"}"#,
            "{dialect} {stream}"
        );
        assert_eq!(view.stops, check(dialect, stream, &reply).unwrap().stops);
    }
}

#[tokio::test]
async fn a_later_policy_sees_what_an_earlier_one_made_of_a_call() {
    let first =
        OnCalls(|_: &ToolCall, _: &Context| Ok(Verdict::Replace(r#"{"path":"x"}"#.to_owned())));
    let second = OnCalls(|call: &ToolCall, _: &Context| {
        assert_eq!(call.arguments().unwrap()["path"], "x");
        Ok(Verdict::Allow)
    });
    let house = House::new(vec![Entry::new("a", first), Entry::new("b", second)]);
    let view = house
        .view(
            Dialect::Anthropic,
            true,
            &recorded(Dialect::Anthropic, true),
        )
        .await;
    assert_eq!(calls(&view), ["Read", "Bash"]);
}

#[tokio::test]
async fn only_enforced_policies_change_anything() {
    for mode in [Mode::Observe, Mode::Shadow] {
        for (dialect, stream, reply) in everywhere() {
            let house = House::new(vec![Entry::new("p", blocking("")).with_mode(mode)]);
            let view = house.view(dialect, stream, &reply).await;
            assert_eq!(
                view,
                check(dialect, stream, &reply).unwrap(),
                "{mode:?} {dialect} {stream}"
            );
            tokio::task::yield_now().await;
            let noted = house.noted.all();
            assert!(
                noted
                    .iter()
                    .any(|decision| decision.outcome == Outcome::Block)
            );
            assert!(noted.iter().all(|decision| !decision.applied));
        }
    }
}

#[tokio::test]
async fn a_warning_stands_before_the_call_that_it_is_about() {
    let house = House::new(vec![
        Entry::new("p", blocking("read")).with_mode(Mode::Warn),
    ]);
    for (dialect, stream, reply) in everywhere() {
        let view = house.view(dialect, stream, &reply).await;
        assert_eq!(
            calls(&view),
            calls(&check(dialect, stream, &reply).unwrap())
        );
        assert!(text(&view).contains("Luthien warns"), "{dialect} {stream}");
    }
}

#[tokio::test]
async fn the_same_call_refused_three_times_running_ends_the_attempt() {
    let house = House::new(vec![Entry::new("p", blocking("read"))]);
    let reply = recorded(Dialect::Anthropic, true);
    for time in 1..=3 {
        let view = house.view_once(Dialect::Anthropic, true, &reply, 0).await;
        // At the end not even the other call goes out.
        assert_eq!(calls(&view).is_empty(), time == 3);
        assert_eq!(
            view.stops[&0],
            if time == 3 { "end_turn" } else { "tool_use" }
        );
    }
    let only = Bytes::from(
        r#"{"id":"m","type":"message","role":"assistant","model":"m","content":[{"type":"tool_use","id":"t","name":"Read","input":{}}],"stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}"#,
    );
    let house = House::new(vec![Entry::new("p", blocking("read"))]);
    for time in 1..=3 {
        let view = house.view_once(Dialect::Anthropic, false, &only, 0).await;
        assert_eq!(
            text(&view).contains("this attempt ends here"),
            time == 3,
            "{time}"
        );
    }
}

#[tokio::test]
async fn the_twentieth_refusal_of_a_conversation_ends_the_attempt() {
    let house = House::new(vec![Entry::new("p", blocking("read"))]);
    for time in 1..=21 {
        // Another call each time.
        let reply = Bytes::from(format!(
            r#"{{"id":"m","type":"message","role":"assistant","model":"m","content":[{{"type":"tool_use","id":"t","name":"Read","input":{{"file_path":"{time}"}}}}],"stop_reason":"tool_use","stop_sequence":null,"usage":{{"input_tokens":1,"output_tokens":1}}}}"#
        ));
        let view = house.view_once(Dialect::Anthropic, false, &reply, 0).await;
        assert!(calls(&view).is_empty());
        let ends = text(&view).contains("this attempt ends here");
        assert_eq!(ends, time >= 20, "{time}: {}", text(&view));
    }
}

#[tokio::test]
async fn arguments_that_read_in_two_ways_are_refused_before_anybody_is_asked() {
    let policy = OnCalls(|_: &ToolCall, _: &Context| panic!("nobody is to be asked"));
    let house = House::new(vec![Entry::new("p", policy)]);
    let reply = Bytes::from(
        r#"{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"run","arguments":"{\"c\":\"ls\",\"\\u0063\":\"rm\"}"}}]},"finish_reason":"tool_calls"}]}"#,
    );
    let view = house.view_once(Dialect::Chat, false, &reply, 1).await;
    assert!(calls(&view).is_empty());
    assert!(text(&view).contains("can be read in two ways"));
    assert_eq!(view.stops[&0], "stop");
}

#[tokio::test]
async fn a_decision_says_who_decided_what_about_which_block() {
    let house = House::new(vec![
        Entry::new("guard", blocking("read")).with_version("v1"),
    ]);
    let reply = recorded(Dialect::Anthropic, true);
    let response = house
        .ask(Dialect::Anthropic, true, Reply::events(&reply, 2))
        .await;
    let shown = String::from_utf8(response.into_body().unwrap().to_vec()).unwrap();
    let noted = house.noted.all();
    let blocked = noted
        .iter()
        .find(|decision| decision.outcome == Outcome::Block)
        .unwrap();
    assert_eq!((&*blocked.policy, &*blocked.version), ("guard", "v1"));
    assert_eq!(blocked.tool.as_deref(), Some("Read"));
    assert_eq!(&*blocked.reason, "operator's eyes only");
    assert_eq!(&*blocked.code, "test");
    assert!(blocked.applied && blocked.before.as_deref().unwrap().contains("a.txt"));
    assert!(
        shown.contains(&blocked.id.to_string()),
        "the client can ask about it by name"
    );
    assert!(
        noted
            .iter()
            .any(|decision| decision.outcome == Outcome::Allow
                && decision.tool.as_deref() == Some("Bash"))
    );
}
