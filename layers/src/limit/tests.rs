use http::{Request, Response};
use luthien_core::{
    Dialect,
    facts::Repairs,
    gate::gate,
    reject::Rejection,
    testing::{Provider, Reply, recorded, send},
};
use tower_layer::Layer;

use super::*;

/// What the client got, and what the provider saw, if anything.
async fn pass(
    layer: LimitLayer,
    dialect: Dialect,
    body: &str,
) -> (Response<Result<bytes::Bytes, String>>, Option<String>) {
    let provider = Provider::new([Reply::json(&"{}".into(), 0)]);
    let service = gate(layer).layer(provider.clone());
    let response = send(
        &service,
        Request::post(dialect.path())
            .body(body.to_owned().into())
            .unwrap(),
    )
    .await;
    let seen = provider.seen().pop().map(|seen| {
        let body = String::from_utf8(seen.body.unwrap().to_vec()).unwrap();
        // What was repaired is of another length.
        assert_eq!(seen.head.headers["content-length"], *body.len().to_string());
        body
    });
    (response, seen)
}

fn code<B>(response: &Response<B>) -> (u16, &'static str) {
    (
        response.status().as_u16(),
        response
            .extensions()
            .get::<Rejection>()
            .map_or("", Rejection::code),
    )
}

#[tokio::test]
async fn what_is_too_much_is_refused_in_every_dialect_and_exactly_as_much_is_not() {
    for (dialect, messages) in [
        (Dialect::Anthropic, "messages"),
        (Dialect::Chat, "messages"),
        (Dialect::Responses, "input"),
    ] {
        let body = |count: usize, blocks: usize, tools: usize| {
            let block = r#"{"type":"text","text":"x"}"#;
            let message = format!(
                r#"{{"role":"user","content":[{}]}}"#,
                vec![block; blocks].join(",")
            );
            let tools: Vec<_> = (0..tools)
                .map(|n| format!(r#"{{"name":"t{n}"}}"#))
                .collect();
            format!(
                r#"{{"{messages}":[{}],"tools":[{}]}}"#,
                vec![message; count].join(","),
                tools.join(",")
            )
        };
        let layer = || {
            LimitLayer::new()
                .with_messages(3)
                .with_blocks(6)
                .with_tools(2)
        };
        for (count, blocks, tools, expected) in [
            (3, 2, 2, (200, "")),
            (4, 1, 0, (413, "too_many_messages")),
            (1, 7, 0, (413, "too_many_blocks")),
            (3, 3, 0, (413, "too_many_blocks")),
            (1, 1, 3, (413, "too_many_tools")),
        ] {
            let (response, seen) = pass(layer(), dialect, &body(count, blocks, tools)).await;
            assert_eq!(
                code(&response),
                expected,
                "{dialect} {count} {blocks} {tools}"
            );
            assert_eq!(seen.is_some(), expected.0 == 200);
        }
    }
}

#[tokio::test]
async fn a_refusal_says_what_there_is_and_what_is_allowed() {
    let (response, _) = pass(
        LimitLayer::new().with_messages(1),
        Dialect::Chat,
        r#"{"messages":[{},{}]}"#,
    )
    .await;
    let body = String::from_utf8(response.into_body().unwrap().to_vec()).unwrap();
    assert!(
        body.contains("the request has 2 messages; at most 1 are allowed"),
        "{body}"
    );
}

#[tokio::test]
async fn compact_goes_through_although_it_sends_tools_twice() {
    // TRAPS: "tools: Tool names must be unique" on `/compact`.
    let read = r#"{"name":"Read","input_schema":{"type":"object"}}"#;
    let bash = r#"{"name": "Bash", "input_schema": {}}"#;
    let cached =
        r#"{"input_schema":{"type":"object"},"name":"Read","cache_control":{"type":"ephemeral"}}"#;
    let sent = format!(
        r#"{{"model":"m","n":1.0,"tools":[{read}, {bash} ,{read}, {cached}],"messages":[]}}"#
    );
    let (response, seen) = pass(LimitLayer::new(), Dialect::Anthropic, &sent).await;
    assert_eq!(
        seen.unwrap(),
        format!(r#"{{"model":"m","n":1.0,"tools":[{read}, {bash}],"messages":[]}}"#)
    );
    let repairs = response.extensions().get::<Repairs>().unwrap();
    assert_eq!(
        *repairs,
        Repairs {
            duplicate_tools: 2,
            orphan_tool_results: 0
        }
    );
}

#[tokio::test]
async fn two_different_tools_of_one_name_are_refused_in_every_dialect() {
    for (dialect, tools) in [
        (
            Dialect::Anthropic,
            r#"[{"name":"a","input_schema":{}},{"n\u0061me":"\u0061","input_schema":{"x":1}}]"#,
        ),
        (
            Dialect::Chat,
            r#"[{"type":"function","function":{"name":"a"}},{"type":"function","function":{"name":"a","x":1}}]"#,
        ),
        (
            Dialect::Responses,
            r#"[{"type":"function","name":"a"},{"type":"custom","name":"a"}]"#,
        ),
    ] {
        let (response, seen) = pass(
            LimitLayer::new(),
            dialect,
            &format!(r#"{{"tools":{tools}}}"#),
        )
        .await;
        assert_eq!(code(&response), (400, "duplicate_tool_name"), "{dialect}");
        assert_eq!(seen, None);
    }
}

#[tokio::test]
async fn other_dialects_and_repair_off_leave_every_byte() {
    let off = Repair {
        duplicate_tools: false,
        orphan_tool_results: false,
    };
    let sent = r#"{"tools":[{"name":"a"},{"name":"a"}],"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"x"}]},{"role":"user","content":"hi"}]}"#;
    for (layer, dialect) in [
        (LimitLayer::new().with_repair(off), Dialect::Anthropic),
        (LimitLayer::new(), Dialect::Chat),
        (LimitLayer::new(), Dialect::Responses),
    ] {
        let (response, seen) = pass(layer, dialect, sent).await;
        assert_eq!(seen.unwrap(), sent);
        assert_eq!(response.extensions().get::<Repairs>(), None);
    }
}

fn result(id: &str) -> String {
    format!(r#"{{"type":"tool_result","tool_use_id":"{id}","content":"r"}}"#)
}

fn user(blocks: &[String]) -> String {
    format!(r#"{{"role":"user","content":[{}]}}"#, blocks.join(", "))
}

fn calls(ids: &[&str]) -> String {
    let calls: Vec<_> = ids
        .iter()
        .map(|id| format!(r#"{{"type":"tool_use","id":"{id}","name":"n","input":{{}}}}"#))
        .collect();
    format!(r#"{{"role":"assistant","content":[{}]}}"#, calls.join(","))
}

fn body(messages: &[String]) -> String {
    format!(
        r#"{{"messages":[ {} ],"max_tokens":1.0}}"#,
        messages.join(" , ")
    )
}

#[tokio::test]
async fn a_tool_result_whose_call_was_compacted_away_is_removed() {
    // TRAPS: "unexpected tool_use_id found in tool_result blocks" after `/compact`.
    let text = r#"{"type":"text","text":"go on"}"#.to_owned();
    let summary = r#"{"role":"user","content":"This session is being continued"}"#.to_owned();
    let sent = body(&[
        summary.clone(),
        user(&[result("gone")]),
        user(&[result("gone2"), text.clone(), result("gone3")]),
        calls(&["a", "b"]),
        user(&[result("a"), result("b")]),
    ]);
    let (response, seen) = pass(LimitLayer::new(), Dialect::Anthropic, &sent).await;
    let kept = body(&[
        summary,
        user(std::slice::from_ref(&text)),
        calls(&["a", "b"]),
        user(&[result("a"), result("b")]),
    ]);
    assert_eq!(seen.unwrap(), kept);
    let repairs = response.extensions().get::<Repairs>().unwrap();
    assert_eq!(
        *repairs,
        Repairs {
            duplicate_tools: 0,
            orphan_tool_results: 3
        }
    );
}

#[tokio::test]
async fn results_that_have_their_call_stay_wherever_it_stands() {
    let system = r#"{"role":"system","content":"mid"}"#.to_owned();
    for messages in [
        vec![calls(&["a"]), user(&[result("a")])],
        vec![calls(&["a"]), system.clone(), user(&[result("a")])],
        vec![calls(&["a"]), user(&[result("\\u0061")])],
        vec![
            calls(&["a", "b"]),
            user(&[result("b")]),
            user(&[result("a")]),
        ],
        vec![
            calls(&["a"]),
            calls(&["b"]),
            user(&[result("b"), result("a")]),
        ],
    ] {
        let sent = body(&messages);
        let (response, seen) = pass(LimitLayer::new(), Dialect::Anthropic, &sent).await;
        assert_eq!(seen.unwrap(), sent);
        assert_eq!(response.extensions().get::<Repairs>(), None);
    }
}

#[tokio::test]
async fn a_result_before_its_call_is_an_orphan_and_one_that_is_all_there_is_stays() {
    let (_, seen) = pass(
        LimitLayer::new(),
        Dialect::Anthropic,
        &body(&[user(&[result("a")]), calls(&["a"])]),
    )
    .await;
    assert_eq!(seen.unwrap(), body(&[calls(&["a"])]));
    let only = body(&[user(&[result("a")])]);
    let (_, seen) = pass(LimitLayer::new(), Dialect::Anthropic, &only).await;
    assert_eq!(
        seen.unwrap(),
        only,
        "what is left without would be no request; the provider says why it is none"
    );
}

#[tokio::test]
async fn many_orphans_take_linear_time() {
    let messages: Vec<_> = (0..9000)
        .map(|n| {
            user(&[
                result(&format!("o{n}")),
                r#"{"type":"text","text":"x"}"#.into(),
            ])
        })
        .collect();
    let (response, _) = pass(LimitLayer::new(), Dialect::Anthropic, &body(&messages)).await;
    assert_eq!(
        response
            .extensions()
            .get::<Repairs>()
            .unwrap()
            .orphan_tool_results,
        9000
    );
}

#[tokio::test]
async fn replies_and_what_is_no_call_pass_untouched() {
    for dialect in Dialect::ALL {
        for stream in [true, false] {
            let reply = recorded(dialect, stream);
            let provider = Provider::new([if stream {
                Reply::events(&reply, 7)
            } else {
                Reply::json(&reply, 7)
            }]);
            let service = gate(LimitLayer::new()).layer(provider.clone());
            let request = luthien_core::testing::request(dialect, stream);
            let response = send(
                &service,
                Request::post(dialect.path()).body(request.clone()).unwrap(),
            )
            .await;
            assert_eq!(response.body(), &Ok(reply));
            let opaque = send(
                &service,
                Request::post("/v1/other").body("[[".into()).unwrap(),
            )
            .await;
            assert_eq!(opaque.status(), 200);
            let seen: Vec<_> = provider
                .seen()
                .into_iter()
                .map(|seen| seen.body.unwrap())
                .collect();
            assert_eq!(seen, [request, "[[".into()]);
        }
    }
}
