//! How much of it there may be, and in which packing.

use super::assert_passes;
use crate::support::{
    client::{Client, ask, post},
    good::{self, call, goes_on, refused},
    replies::Dialect,
};

#[tokio::test]
async fn nesting_and_width_have_bounds_and_cost_little_below_and_beyond_them() {
    let (provider, sidecar) = good::pair("").await;
    let nested = |open: &str, middle: &str, close: &str, levels: usize| {
        format!(
            r#"{{"x":{}{middle}{}}}"#,
            open.repeat(levels),
            close.repeat(levels)
        )
        .into_bytes()
    };
    let wide = |count: usize| format!(r#"{{"x":[{}0]}}"#, "0,".repeat(count - 1)).into_bytes();
    let keys: Vec<_> = (0..200_000)
        .map(|number| format!(r#""{number:x}":0"#))
        .collect();
    for dialect in Dialect::ALL {
        for body in [
            nested("[", "", "]", 64),
            nested("{\"a\":", "1", "}", 64),
            nested("[{\"a\":", "1", "}]", 60),
            wide(200_000),
            format!(r#"{{"x":{{{}}}}}"#, keys.join(",")).into_bytes(),
            format!(r#"{{{}}}"#, keys.join(",")).into_bytes(),
            format!(r#"{{"{}":"{}"}}"#, "k".repeat(1 << 20), "v".repeat(1 << 20)).into_bytes(),
        ] {
            assert_passes(&provider, &sidecar, dialect, &body).await;
        }
        let before = provider.count();
        for body in [
            nested("[", "", "]", 10_000),
            nested("{\"a\":", "1", "}", 10_000),
            nested("[", "", "]", 1_000_000),
            nested("[{\"a\":", "1", "}]", 500_000),
            // Without an end, too.
            "[".repeat(5_000_000).into_bytes(),
            "{\"a\":".repeat(1_000_000).into_bytes(),
            [&b"{\"x\":"[..], &b"[".repeat(1_000_000)].concat(),
            wide(1_000_001),
            format!(r#"{{"x":[{}0]}}"#, "{},".repeat(1_000_000)).into_bytes(),
        ] {
            let response = ask(sidecar.agents, &call(dialect, &body)).await;
            refused(&sidecar, &response, dialect, 400, "invalid_json").await;
        }
        assert_eq!(provider.count(), before);
    }
    goes_on(&provider, &sidecar).await;
}

#[tokio::test]
async fn how_deep_a_request_may_be_is_a_setting() {
    let (provider, sidecar) = good::pair("limits: { nesting: 10, values: 100 }").await;
    let nested = |levels: usize| format!("{{\"x\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
    let wide = |count: usize| format!("{{\"x\":[{}0]}}", "0,".repeat(count - 1));
    for (body, expected) in [
        (nested(9), 200),
        (nested(10), 400),
        (wide(98), 200),
        (wide(99), 400),
    ] {
        let response = ask(sidecar.agents, &call(Dialect::Chat, &body)).await;
        assert_eq!(response.status(), expected, "{body}");
    }
    goes_on(&provider, &sidecar).await;
}

#[tokio::test]
async fn a_packed_call_is_refused_before_its_body_is_looked_at() {
    let (provider, sidecar) = good::pair("").await;
    for dialect in Dialect::ALL {
        for encoding in [
            "gzip",
            "br",
            "zstd",
            "deflate",
            "GZIP",
            "identity, gzip",
            "x",
            "",
        ] {
            let mut client = Client::connect(sidecar.agents).await;
            let header = format!("content-encoding: {encoding}\r\n");
            let response = client.ask(&post(dialect.path(), &header, b"{}")).await;
            refused(&sidecar, &response, dialect, 415, "unsupported_encoding").await;
        }
        let two = "content-encoding: identity\r\ncontent-encoding: gzip\r\n";
        let response = ask(sidecar.agents, &post(dialect.path(), two, b"{}")).await;
        refused(&sidecar, &response, dialect, 415, "unsupported_encoding").await;
    }
    assert_eq!(provider.connections(), 0);
    let identity = post("/v1/messages", "content-encoding: Identity\r\n", b"{}");
    assert_eq!(ask(sidecar.agents, &identity).await.status(), 200);
    // What nobody reads may be packed.
    let packed = post("/v1/embeddings", "content-encoding: gzip\r\n", b"\x1f\x8b");
    assert_eq!(ask(sidecar.agents, &packed).await.status(), 200);
    let seen = provider.last();
    assert_eq!(
        (seen.header("content-encoding"), &*seen.body),
        (Some("gzip"), &b"\x1f\x8b"[..])
    );
    goes_on(&provider, &sidecar).await;
}
