//! Mistakes of clients that are put right: Anthropic's, for which Anthropic would refuse the request. They change what
//! they must, and no other byte.

use crate::support::{
    client::ask,
    good::{self, call, goes_on, refused},
    provider::Provider,
    replies::Dialect,
    sidecar::Sidecar,
};

/// What of it the provider got, and what the log says about it.
async fn passed(
    provider: &Provider,
    sidecar: &Sidecar,
    dialect: Dialect,
    body: &str,
) -> (String, Option<u64>, Option<u64>) {
    let response = ask(sidecar.agents, &call(dialect, body)).await;
    assert_eq!(response.status(), 200, "{}", response.text());
    let line = good::line(sidecar, &response).await;
    let seen = provider.last();
    // The new length was told.
    assert_eq!(seen.all("content-length"), [seen.body.len().to_string()]);
    let removed = |name: &str| line[name].as_u64();
    (
        seen.text().to_owned(),
        removed("removed_tools"),
        removed("removed_tool_results"),
    )
}

/// A request with everything in it that a careless hand would change.
fn delicate(tools: &str, messages: &str) -> String {
    format!(
        " {{ \"n\":1.0,\"big\":12345678901234567890123, \"t\":1E400,\r\n\t\"z\":-0,\"e\":\"\\u0041\\/\\u2028\",\
         \"tools\": [{tools}] ,\"messages\":[{messages}],\"a\":[1 ,2] }}\n"
    )
}

const READ: &str = r#"{"name":"Read","input_schema":{"type":"object","default":1.0}}"#;
const BASH: &str = r#"{"name" : "Bash","input_schema":{}}"#;

#[tokio::test]
async fn a_tool_that_stands_there_twice_goes_and_every_other_byte_stays() {
    // TRAPS C 52: Claude Code's `/compact`.
    let (provider, sidecar) = good::pair("").await;
    let cached = r#"{"input_schema":{"type":"object","default":1.0},"name":"Read","cache_control":{"type":"ephemeral"}}"#;
    let escaped = READ.replace("\"Read\"", r#""R\u0065ad""#);
    for (sent, left, count) in [
        (
            format!("{READ}, {BASH} ,{READ}"),
            format!("{READ}, {BASH}"),
            1,
        ),
        (format!("{READ},{READ},{BASH}"), format!("{READ},{BASH}"), 1),
        (
            format!("{READ},{cached},{BASH},{READ}"),
            format!("{READ},{BASH}"),
            2,
        ),
        (format!("\n{BASH} ,\n{BASH}\n"), format!("\n{BASH}\n"), 1),
    ] {
        let (seen, tools, _) = passed(
            &provider,
            &sidecar,
            Dialect::Anthropic,
            &delicate(&sent, ""),
        )
        .await;
        assert_eq!((seen, tools), (delicate(&left, ""), Some(count)));
    }
    // Another spelling of the same name is the same name; whether it is the same tool, nobody can tell by its bytes.
    let twice = delicate(&format!("{READ},{escaped}"), "");
    let response = ask(sidecar.agents, &call(Dialect::Anthropic, twice)).await;
    refused(
        &sidecar,
        &response,
        Dialect::Anthropic,
        400,
        "duplicate_tool_name",
    )
    .await;
    goes_on(&provider, &sidecar).await;
}

#[tokio::test]
async fn a_result_without_its_call_goes_and_every_other_byte_stays() {
    // TRAPS C 53: what compaction leaves behind.
    let (provider, sidecar) = good::pair("").await;
    let result = |id: &str| {
        format!(r#"{{"type":"tool_result","tool_use_id":"{id}","content":"\u0041 1.0"}}"#)
    };
    let text = r#"{"type":"text","text":"go on"}"#;
    let user = |content: &str| format!(r#"{{"role":"user","content":[{content}]}}"#);
    let called = r#"{"role":"assistant","content":[{"type":"tool_use","id":"t1","name":"Read","input":{"a":1.0}}]}"#;
    for (sent, left, count) in [
        (user(&format!("{}, {text}", result("gone"))), user(text), 1),
        (
            format!("{},{called},{}", user(&result("gone")), user(&result("t1"))),
            format!("{called},{}", user(&result("t1"))),
            1,
        ),
        (
            format!(
                "{called},{}",
                user(&format!("{},{}, {text}", result("t1"), result("gone")))
            ),
            format!("{called},{}", user(&format!("{}, {text}", result("t1")))),
            1,
        ),
        // A call that comes only afterwards is none.
        (
            format!(
                "{},{called},{}",
                user(&format!("{},{text}", result("t1"))),
                user(&result("t1"))
            ),
            format!("{},{called},{}", user(text), user(&result("t1"))),
            1,
        ),
    ] {
        let (seen, _, results) = passed(
            &provider,
            &sidecar,
            Dialect::Anthropic,
            &delicate(READ, &sent),
        )
        .await;
        assert_eq!((seen, results), (delicate(READ, &left), Some(count)));
    }
    goes_on(&provider, &sidecar).await;
}

#[tokio::test]
async fn what_needs_no_repair_is_not_touched_nor_is_any_other_dialect() {
    let (provider, sidecar) = good::pair("").await;
    let result =
        r#"{"role":"user","content":[{"type":"tool_result","tool_use_id":"gone","content":"x"}]}"#;
    let orphan = r#"{"role":"tool","tool_call_id":"gone","content":"x"}"#;
    for (dialect, body) in [
        (Dialect::Anthropic, delicate(&format!("{READ},{BASH}"), "")),
        // Nothing would be left: let the provider say so.
        (Dialect::Anthropic, delicate("", result)),
        (Dialect::Chat, delicate(&format!("{READ},{READ}"), result)),
        (Dialect::Chat, delicate("", orphan)),
        (
            Dialect::Responses,
            delicate(&format!("{READ},{READ}"), "").replace(
                "\"messages\":[]",
                r#""input":[{"type":"function_call_output","call_id":"gone","output":"x"}]"#,
            ),
        ),
    ] {
        let seen = passed(&provider, &sidecar, dialect, &body).await;
        assert_eq!(seen, (body, None, None));
    }
    goes_on(&provider, &sidecar).await;

    let off = Sidecar::before(
        &provider,
        "repair: { duplicate_tools: off, orphan_tool_results: off }",
    )
    .await;
    let body = delicate(
        &format!("{READ},{READ}"),
        &format!("{result},{}", r#"{"role":"user","content":"x"}"#),
    );
    let seen = passed(&provider, &off, Dialect::Anthropic, &body).await;
    assert_eq!(seen, (body, None, None));
}

#[tokio::test]
async fn two_different_tools_of_one_name_are_refused_in_every_dialect() {
    let (provider, sidecar) = good::pair("").await;
    for (first, second) in [
        (READ.to_owned(), READ.replace("1.0", "1")),
        (READ.to_owned(), r#"{"name":"Read"}"#.to_owned()),
        (
            BASH.to_owned(),
            r#"{"name":"B\u0061sh","input_schema":{"x":1}}"#.to_owned(),
        ),
    ] {
        for dialect in Dialect::ALL {
            let body = delicate(&format!("{first},{second}"), "");
            let response = ask(sidecar.agents, &call(dialect, body)).await;
            refused(&sidecar, &response, dialect, 400, "duplicate_tool_name").await;
        }
    }
    assert_eq!(provider.connections(), 0);
    goes_on(&provider, &sidecar).await;
}
