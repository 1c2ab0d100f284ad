//! Connections: those that fail, certificates, and HTTP/2.

use std::time::Duration;

use http::Version;

use super::*;

#[tokio::test]
async fn an_upstream_that_cannot_be_reached_is_502_and_one_that_does_not_answer_504() {
    // Accepts, and says nothing in the handshake.
    let mute = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mute = (format!("https://{}", mute.local_addr().unwrap()), mute);
    for (url, expected) in [
        (nobody().await, (502, "bad_upstream")),
        (
            nobody().await.replace("http:", "https:"),
            (502, "bad_upstream"),
        ),
        ("http://host.invalid".into(), (502, "bad_upstream")),
        (mute.0.clone(), (504, "upstream_timeout")),
    ] {
        let service = Upstreams::builder()
            .upstream(Upstream::new("test", &url).unwrap())
            .connect_timeout(Duration::from_millis(300))
            .tls(server::tls(&[]).1)
            .build()
            .unwrap();
        for dialect in Dialect::ALL {
            let response = send(&gates().layer(service.clone()), call(dialect)).await;
            assert_eq!(code(&response), expected, "{url}");
            let body = String::from_utf8(response.into_body().unwrap().to_vec()).unwrap();
            assert!(
                body.contains("cannot reach the upstream \\\"test\\\""),
                "{body}"
            );
        }
    }
}

#[tokio::test]
async fn a_wrong_certificate_is_never_accepted() {
    let (acceptor, trusting) = server::tls(&[]);
    let server = Server::with_tls(Some(acceptor), ok).await;
    let (_, other) = server::tls(&[]);
    let port = server.address.port();
    for (host, config, expected) in [
        ("localhost", trusting.clone(), 200),
        ("127.0.0.1", trusting, 502),
        ("localhost", other, 502),
    ] {
        let upstream = Upstream::new("test", &format!("https://{host}:{port}")).unwrap();
        let service = Upstreams::builder()
            .upstream(upstream)
            .tls(config)
            .build()
            .unwrap();
        assert_eq!(
            send(&gates().layer(service), call(Dialect::Chat))
                .await
                .status(),
            expected,
            "{host}"
        );
    }
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn http2_is_spoken_where_it_is_asked_for() {
    let plain = Server::start(ok).await;
    let (acceptor, config) = server::tls(&[b"h2", b"http/1.1"]);
    let tls = Server::with_tls(Some(acceptor), ok).await;
    let (acceptor, old_config) = server::tls(&[b"http/1.1"]);
    let old = Server::with_tls(Some(acceptor), ok).await;
    for (server, url, config, http2, expected) in [
        (&plain, plain.url(), config.clone(), false, Version::HTTP_11),
        (&plain, plain.url(), config.clone(), true, Version::HTTP_2),
        (
            &tls,
            format!("https://localhost:{}", tls.address.port()),
            config.clone(),
            false,
            Version::HTTP_11,
        ),
        (
            &tls,
            format!("https://localhost:{}", tls.address.port()),
            config,
            true,
            Version::HTTP_2,
        ),
        (
            &old,
            format!("https://localhost:{}", old.address.port()),
            old_config,
            true,
            Version::HTTP_11,
        ),
    ] {
        let upstream = Upstream::new("test", &url).unwrap().with_http2(http2);
        let service = Upstreams::builder()
            .upstream(upstream)
            .tls(config)
            .build()
            .unwrap();
        let response = send(&gates().layer(service), call(Dialect::Chat)).await;
        assert_eq!(response.body(), &Ok("{}".into()), "{url}");
        assert_eq!(server.last().0.version, expected, "{url}");
        assert_eq!(server.last().1, request(Dialect::Chat, false));
    }
}
