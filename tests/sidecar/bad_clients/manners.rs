//! What HTTP allows and few clients do.

use crate::support::{
    client::{Client, ask, post},
    good::{self, call, goes_on, refused},
    replies::{Dialect, asked, recorded, request},
    within,
};

#[tokio::test]
async fn a_connection_goes_on_after_a_refusal() {
    let (provider, sidecar) = good::pair("").await;
    let mut client = Client::connect(sidecar.agents).await;
    for dialect in Dialect::ALL {
        let path = dialect.path();
        for (target, headers, body, status, code) in [
            (path, "", "{", 400, "invalid_json"),
            (path, "", "[]", 400, "invalid_json"),
            (path, "", r#"{"a":1,"a":1}"#, 400, "ambiguous_json"),
            (
                path,
                "content-encoding: br\r\n",
                "x",
                415,
                "unsupported_encoding",
            ),
            (
                path,
                "origin: https://evil.example\r\n",
                "{}",
                403,
                "cross_origin",
            ),
            (path, "host: localhost\r\n", "{}", 400, "invalid_request"),
            (
                path,
                "connection: upgrade\r\nupgrade: websocket\r\n",
                "{}",
                426,
                "upgrade_required",
            ),
            (&format!("{path}/more"), "", "{}", 404, "unpoliced_path"),
        ] {
            let response = client.ask(&post(target, headers, body.as_bytes())).await;
            refused(&sidecar, &response, dialect, status, code).await;
            let response = client.ask(&asked(dialect, true)).await;
            assert_eq!(response.body, recorded(dialect, true));
            good::line(&sidecar, &response).await;
        }
    }
    assert_eq!(provider.count(), 24);
    // One line for each, neither more nor fewer.
    assert_eq!(sidecar.log().matches(r#""message":"exchange""#).count(), 48);
    goes_on(&provider, &sidecar).await;
}

#[tokio::test]
async fn requests_that_do_not_wait_for_replies_are_answered_in_their_order() {
    let (provider, sidecar) = good::pair("").await;
    let nowhere = post("/v1/nothing", "", b"{}");
    let mut all = nowhere.clone();
    for dialect in Dialect::ALL {
        all.extend(asked(dialect, true));
        all.extend(asked(dialect, false));
        all.extend(&nowhere);
    }
    let mut client = Client::connect(sidecar.agents).await;
    client.write(&all).await.unwrap();
    assert_eq!(client.response().await.status(), 404);
    for dialect in Dialect::ALL {
        assert_eq!(client.response().await.body, recorded(dialect, true));
        assert_eq!(client.response().await.body, recorded(dialect, false));
        assert_eq!(client.response().await.status(), 404);
    }
    assert_eq!(provider.count(), 6);
    goes_on(&provider, &sidecar).await;
}

#[tokio::test]
async fn http_1_0_is_understood() {
    let (provider, sidecar) = good::pair("").await;
    for dialect in Dialect::ALL {
        for stream in [true, false] {
            let body = request(dialect, stream);
            let old = |headers: &str| {
                let (path, length) = (dialect.path(), body.len());
                let head =
                    format!("POST {path} HTTP/1.0\r\n{headers}content-length: {length}\r\n\r\n");
                [head.as_bytes(), &body].concat()
            };
            let mut client = Client::connect(sidecar.agents).await;
            let response = client.ask(&old("")).await;
            // Its end is the end of the connection, or known beforehand.
            assert_eq!(response.header("transfer-encoding"), None);
            assert_eq!(response.body, recorded(dialect, stream));
            assert_eq!(within("the end", client.read.rest()).await.unwrap(), b"");
            assert_eq!(provider.last().body, body);
        }
        let keep = String::from_utf8(call(dialect, request(dialect, false))).unwrap();
        let keep = keep.replace("HTTP/1.1\r\n", "HTTP/1.0\r\nconnection: keep-alive\r\n");
        let mut client = Client::connect(sidecar.agents).await;
        for _ in 0..2 {
            let response = client.ask(keep.as_bytes()).await;
            assert_eq!(response.body, recorded(dialect, false));
        }
    }
    goes_on(&provider, &sidecar).await;
}

#[tokio::test]
async fn a_client_that_asks_whether_to_go_on_is_told_so_or_refused_before_it_has_sent_its_body() {
    let (provider, sidecar) = good::pair("").await;
    for dialect in Dialect::ALL {
        let whole = post(
            dialect.path(),
            "expect: 100-continue\r\n",
            &request(dialect, true),
        );
        let end = memchr::memmem::find(&whole, b"\r\n\r\n").unwrap() + 4;
        let mut client = Client::connect(sidecar.agents).await;
        client.write(&whole[..end]).await.unwrap();
        let (word, _) = within("a word", client.read.any_response(false))
            .await
            .unwrap();
        assert_eq!(word.status(), 100);
        client.write(&whole[end..]).await.unwrap();
        assert_eq!(client.response().await.body, recorded(dialect, true));
        assert_eq!(provider.last().body, request(dialect, true));
        assert_eq!(provider.last().header("expect"), None);
        // One that does not wait for the answer.
        assert_eq!(client.ask(&whole).await.body, recorded(dialect, true));
    }
    let mut client = Client::connect(sidecar.agents).await;
    let whole = post("/v1/nothing", "expect: 100-continue\r\n", b"{}");
    client.write(&whole[..whole.len() - 2]).await.unwrap();
    let (first, _) = within("an answer", client.read.any_response(false))
        .await
        .unwrap();
    refused(&sidecar, &first, Dialect::Chat, 404, "unpoliced_path").await;
    goes_on(&provider, &sidecar).await;
}

#[tokio::test]
async fn after_head_the_connection_goes_on() {
    let (provider, sidecar) = good::pair("").await;
    let mut client = Client::connect(sidecar.agents).await;
    for target in ["/api/hello", "/v1/nothing"] {
        let head = format!("HEAD {target} HTTP/1.1\r\nhost: localhost\r\n\r\n");
        client.write(head.as_bytes()).await.unwrap();
        let (response, _) = within("a response", client.read.response(true))
            .await
            .unwrap();
        // It says how long the body would be.
        assert_ne!(response.header("content-length"), None);
        assert_eq!(
            response.status(),
            if target == "/api/hello" { 200 } else { 404 }
        );
        let response = client.ask(&asked(Dialect::Chat, true)).await;
        assert_eq!(response.body, recorded(Dialect::Chat, true));
    }
    assert_eq!(provider.seen()[0].first, "HEAD /api/hello HTTP/1.1");
    goes_on(&provider, &sidecar).await;
}

#[tokio::test]
async fn chunks_may_be_cut_anywhere_and_have_extensions_which_nobody_gets_to_see() {
    let (provider, sidecar) = good::pair("").await;
    for dialect in Dialect::ALL {
        let body = request(dialect, true);
        for (sizes, extension) in [
            (vec![body.len()], ""),
            (vec![1; body.len()], ""),
            (vec![1, 2, 3, body.len() - 6], ";a"),
            (vec![body.len()], r#";a=b;c="d;e""#),
            (vec![7, body.len() - 7], "  "),
        ] {
            let path = dialect.path();
            let mut whole = format!(
                "POST {path} HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n"
            )
            .into_bytes();
            let mut rest = &body[..];
            for size in sizes {
                let (chunk, after) = rest.split_at(size);
                whole.extend(format!("{size:04X}{extension}\r\n").into_bytes());
                whole.extend([chunk, b"\r\n"].concat());
                rest = after;
            }
            whole.extend(format!("0{extension}\r\n\r\n").into_bytes());
            let response = ask(sidecar.agents, &whole).await;
            assert_eq!(response.body, recorded(dialect, true));
            let seen = provider.last();
            assert_eq!(seen.body, body);
            assert_eq!(seen.all("content-length"), [body.len().to_string()]);
            assert_eq!(seen.header("transfer-encoding"), None);
        }
    }
    goes_on(&provider, &sidecar).await;
}
