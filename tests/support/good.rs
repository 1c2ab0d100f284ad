//! A provider that does as it should, and what must hold whatever was done to the sidecar before it.

use std::io;

use serde_json::Value;

use super::{
    client::{Client, ask, post},
    http1::Message,
    provider::{Provider, Wire},
    replies::{Dialect, asked, recorded, request},
    sidecar::Sidecar,
};

/// A provider that answers every call with its recorded reply, and a sidecar before it with these settings.
pub async fn pair(settings: &str) -> (Provider, Sidecar) {
    let provider = Provider::start(reply).await;
    let sidecar = Sidecar::before(&provider, settings).await;
    (provider, sidecar)
}

/// The recorded reply to a call; to everything else, what was sent.
pub async fn reply(request: Message, mut wire: Wire) -> io::Result<Option<Wire>> {
    let path = request.target().split('?').next();
    let dialect = Dialect::ALL
        .into_iter()
        .find(|dialect| Some(dialect.path()) == path);
    let stream = memchr::memmem::find(&request.body, br#""stream":true"#).is_some();
    match dialect {
        _ if request.method() == "HEAD" => {
            wire.write(b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n")
                .await?;
        }
        Some(dialect) if stream => wire.streamed([recorded(dialect, true)]).await?,
        Some(dialect) => wire.json(200, &recorded(dialect, false)).await?,
        None => wire.json(200, &request.body).await?,
    }
    Ok(Some(wire))
}

/// The sidecar lives, says so, and serves as if nothing had been. (That nothing has panicked is asserted when it is
/// dropped.)
pub async fn goes_on(provider: &Provider, sidecar: &Sidecar) {
    let health = b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n";
    assert_eq!(ask(sidecar.admin, health).await.json()["status"], "ok");
    let mut client = Client::connect(sidecar.agents).await;
    for dialect in Dialect::ALL {
        for stream in [true, false] {
            let response = client.ask(&asked(dialect, stream)).await;
            assert_eq!(
                (response.status(), &*response.body),
                (200, &*recorded(dialect, stream))
            );
            assert_eq!(provider.last().body, request(dialect, stream));
        }
    }
}

/// The line of the log about the exchange with this response.
pub async fn line(sidecar: &Sidecar, response: &Message) -> Value {
    let id = response.header("x-luthien-request-id").unwrap();
    sidecar
        .logged("the exchange", |line| {
            line["message"] == "exchange" && line["id"] == id
        })
        .await
}

/// A call with this body, ready for the wire.
pub fn call(dialect: Dialect, body: impl AsRef<[u8]>) -> Vec<u8> {
    post(dialect.path(), "x-api-key: sk-test\r\n", body.as_ref())
}

/// It is a refusal of ours, in the words in which this dialect's provider would refuse; with this code in the log, and
/// where the dialect has a place for it.
pub async fn refused(
    sidecar: &Sidecar,
    response: &Message,
    dialect: Dialect,
    status: u16,
    code: &str,
) {
    assert_eq!(response.status(), status, "{}", response.text());
    assert_eq!(response.header("content-type"), Some("application/json"));
    assert_eq!(response.header("cache-control"), Some("no-store"));
    let json = response.json();
    let error = &json["error"];
    assert!(
        error["message"]
            .as_str()
            .is_some_and(|message| !message.is_empty())
    );
    if dialect == Dialect::Anthropic {
        let kind = match status {
            401 => "authentication_error",
            403 => "permission_error",
            404 => "not_found_error",
            413 => "request_too_large",
            429 => "rate_limit_error",
            _ => "invalid_request_error",
        };
        assert_eq!(
            (&json["type"], &error["type"]),
            (&"error".into(), &kind.into())
        );
    } else {
        let kind = match status {
            401 => "authentication_error",
            403 => "permission_error",
            429 => "rate_limit_error",
            _ => "invalid_request_error",
        };
        assert_eq!(
            (&error["type"], &error["code"]),
            (&kind.into(), &code.into())
        );
        assert_eq!(error["param"], Value::Null);
    }
    let line = line(sidecar, response).await;
    assert_eq!(
        (&line["end"], &line["refusal"], &line["status"]),
        (&"refused".into(), &code.into(), &status.into())
    );
}
