//! A conversation as a page to share.

use serde_json::json;

use super::{printed, stop};
use crate::support::{
    client::{ask, post},
    good::pair,
    replies::{Dialect, asked},
};

/// What stands in a page, and nothing that runs or loads anything.
const KNOWN: [&str; 18] = [
    "html", "head", "meta", "title", "style", "body", "section", "h1", "dl", "dt", "dd", "article",
    "p", "div", "details", "summary", "pre", "b",
];

/// The names of all elements that are opened, and those of their attributes.
fn elements(page: &str) -> Vec<(&str, &str)> {
    page.split('<')
        .skip(1)
        .filter(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic()))
        .map(|rest| {
            let inside = rest.split('>').next().unwrap();
            inside.split_once(' ').unwrap_or((inside, ""))
        })
        .collect()
}

#[tokio::test]
async fn a_page_holds_what_was_said_as_text_and_loads_nothing() {
    let (_provider, mut sidecar) =
        pair("policies: [{ use: deny-tools, with: { tools: ['*'] } }]").await;
    let evil = "</pre></details><script>alert(1)</script><img src=//x.example/i onerror=alert(2)> & \"'\u{202e}\u{1b}[31m";
    let body = json!({
        "model": "claude-x\"><b>", "max_tokens": 9, "stream": true,
        "messages": [
            { "role": "user", "content": evil },
            { "role": "assistant", "content": [
                { "type": "thinking", "thinking": evil, "signature": "s" },
                { "type": "tool_use", "id": "t", "name": "Bash</p>", "input": { "command": evil } },
            ] },
            { "role": "user", "content": [{ "type": "tool_result", "tool_use_id": "t", "content": evil }] },
        ],
    });
    let headers = "x-api-key: sk-test\r\nx-claude-code-session-id: s<i>\r\nuser-agent: <svg onload=alert(3)>\r\n";
    let asked_for = post("/v1/messages", headers, body.to_string().as_bytes());
    assert_eq!(ask(sidecar.agents, &asked_for).await.status(), 200);
    ask(sidecar.agents, &asked(Dialect::Chat, true)).await;
    stop(&mut sidecar).await;
    let page = printed(sidecar.folder.path(), ["export", "--format", "html"]).await;
    let page = String::from_utf8(page).unwrap();
    for (name, attributes) in elements(&page) {
        assert!(KNOWN.contains(&name), "<{name} {attributes}>");
        if name != "meta" && name != "html" {
            let is_class = attributes.is_empty() || attributes.starts_with("class=\"");
            assert!(
                is_class && attributes.matches('"').count() <= 2,
                "{attributes}"
            );
        }
    }
    assert!(page.contains("default-src 'none'; style-src 'unsafe-inline'"));
    assert!(page.contains("prefers-color-scheme: dark"));
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert!(!page.contains(['\u{202e}', '\u{1b}']));
    assert!(page.contains("<details><summary>thinking</summary>"));
    assert!(page.contains("<details><summary>result</summary>"));
    assert!(page.contains("<p class=\"decision refused\"><b>block</b> by deny-tools"));
    assert_eq!(page.matches("<section>").count(), 2);
    assert_eq!(page.matches("<div").count(), page.matches("</div>").count());
    assert!(page.starts_with("<!doctype html>") && page.trim_end().ends_with("</html>"));
}
