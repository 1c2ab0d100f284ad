use super::*;

fn all() -> [RejectionKind; 13] {
    use RejectionKind::*;
    [
        InvalidRequest,
        Unauthenticated,
        Forbidden,
        NotFound,
        RequestTimeout,
        TooLarge,
        UnsupportedEncoding,
        UpgradeRequired,
        RateLimited,
        Internal,
        BadUpstream,
        Unavailable,
        UpstreamTimeout,
    ]
}

/// Status and type before the head, per kind.
fn table(dialect: Dialect) -> Vec<(u16, String)> {
    all()
        .into_iter()
        .map(|kind| {
            let response = Rejection::new(kind, "why \"so\"\n").respond(dialect, Chunk::into_bytes);
            let body: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
            assert_eq!(body["error"]["message"], "why \"so\"\n");
            assert_eq!(
                response.headers()["content-length"],
                response.body().len().to_string()
            );
            (
                response.status().as_u16(),
                body["error"]["type"].as_str().unwrap().to_owned(),
            )
        })
        .collect()
}

fn row(status: u16, kind: &str) -> (u16, String) {
    (status, kind.to_owned())
}

#[test]
fn anthropic_clients_get_the_statuses_and_types_of_anthropic() {
    assert_eq!(
        table(Dialect::Anthropic),
        [
            row(400, "invalid_request_error"),
            row(401, "authentication_error"),
            row(403, "permission_error"),
            row(404, "not_found_error"),
            row(408, "invalid_request_error"),
            row(413, "request_too_large"),
            row(415, "invalid_request_error"),
            row(426, "invalid_request_error"),
            row(429, "rate_limit_error"),
            row(500, "api_error"),
            row(502, "api_error"),
            row(529, "overloaded_error"),
            row(504, "timeout_error"),
        ]
    );
}

#[test]
fn openai_clients_get_those_of_openai() {
    for dialect in [Dialect::Chat, Dialect::Responses] {
        assert_eq!(
            table(dialect),
            [
                row(400, "invalid_request_error"),
                row(401, "authentication_error"),
                row(403, "permission_error"),
                row(404, "invalid_request_error"),
                row(408, "invalid_request_error"),
                row(413, "invalid_request_error"),
                row(415, "invalid_request_error"),
                row(426, "invalid_request_error"),
                row(429, "rate_limit_error"),
                row(500, "server_error"),
                row(502, "server_error"),
                row(503, "server_error"),
                row(504, "server_error"),
            ]
        );
    }
}

#[test]
fn a_wait_is_rounded_up_to_whole_seconds() {
    for (wait, expected) in [(0, "0"), (1, "1"), (1000, "1"), (1001, "2"), (59_999, "60")] {
        let response = Rejection::new(RejectionKind::RateLimited, "x")
            .with_retry_after(Duration::from_millis(wait))
            .respond(Dialect::Chat, Chunk::into_bytes);
        assert_eq!(response.headers()["retry-after"], expected, "{wait} ms");
    }
}

#[test]
fn headers_and_the_word_on_retries_go_out_and_the_reason_stays_typed() {
    let response = Rejection::new(RejectionKind::Forbidden, "x")
        .with_code("policy")
        .with_should_retry(false)
        .with_header(
            HeaderName::from_static("ratelimit"),
            HeaderValue::from_static("\"a\";r=0"),
        )
        .respond(Dialect::Chat, Chunk::into_bytes);
    assert_eq!(response.headers()["x-should-retry"], "false");
    assert_eq!(response.headers()["ratelimit"], "\"a\";r=0");
    assert_eq!(
        response.extensions().get::<Rejection>().unwrap().code(),
        "policy"
    );
    assert_eq!(Form::of(&response), Form::Whole(Dialect::Chat));
}

#[test]
fn last_words_are_an_event_that_the_dialect_knows_as_an_error() {
    for dialect in Dialect::ALL {
        let chunk = Rejection::new(RejectionKind::UpstreamTimeout, "too \u{2028} slow")
            .last_event(dialect, 3);
        assert!(chunk.is_terminal(), "{dialect}");
        assert!(chunk.bytes().ends_with(b"\n\n"));
        assert!(
            !chunk
                .bytes()
                .windows(3)
                .any(|bytes| bytes == "\u{2028}".as_bytes()),
            "a line splitter would cut there"
        );
        let event = chunk.event().unwrap();
        assert!(matches!(
            event.parts(),
            [crate::reply::Part::Error { message: Some(message), .. }] if message.is("too \u{2028} slow")
        ));
        assert!(!event.is_ambiguous() && !event.is_unreadable());
    }
}
