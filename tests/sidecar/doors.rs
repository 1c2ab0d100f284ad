//! Who gets in: TLS, HTTP/2, keys, web pages.

use std::{fs, sync::Arc};

use bytes::Bytes;
use http::{Request, Response, Version};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream, rustls};

use crate::support::{
    client::{ask, post},
    provider::Provider,
    replies::{Dialect, asked, recorded, request},
    sidecar::Sidecar,
    within,
};

async fn provider(dialect: Dialect) -> Provider {
    Provider::saying(
        200,
        "content-type: application/json\r\n",
        recorded(dialect, false),
    )
    .await
}

/// A folder with a certificate for localhost, and the certificate.
fn certificate(folder: &TempDir) -> rustls::pki_types::CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(folder.path().join("cert.pem"), made.cert.pem()).unwrap();
    fs::write(
        folder.path().join("key.pem"),
        made.signing_key.serialize_pem(),
    )
    .unwrap();
    made.cert.der().clone()
}

async fn tls(
    sidecar: &Sidecar,
    trusted: &rustls::pki_types::CertificateDer<'static>,
    alpn: &[&[u8]],
) -> TlsStream<TcpStream> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    let stream = TcpStream::connect(sidecar.agents).await.unwrap();
    let name = "localhost".try_into().unwrap();
    let connect = TlsConnector::from(Arc::new(config)).connect(name, stream);
    within("the handshake", connect).await.unwrap()
}

fn call(dialect: Dialect, version: Version) -> Request<Full<Bytes>> {
    let target = match version {
        Version::HTTP_2 => format!("https://localhost{}", dialect.path()),
        _ => dialect.path().to_owned(),
    };
    Request::post(target)
        .version(version)
        .header("host", "localhost")
        .header("content-type", "application/json")
        .body(Full::new(request(dialect, false)))
        .unwrap()
}

async fn bytes(response: Response<hyper::body::Incoming>) -> Bytes {
    response.into_body().collect().await.unwrap().to_bytes()
}

const TLS: &str = "tls: { certificate: cert.pem, key: key.pem }\n";

async fn behind_tls(provider: &Provider) -> (Sidecar, rustls::pki_types::CertificateDer<'static>) {
    let folder = tempfile::tempdir().unwrap();
    let trusted = certificate(&folder);
    let config = format!(
        "{TLS}upstreams: {{ mock: {{ url: {} }} }}\n",
        provider.url()
    );
    (Sidecar::start_in(folder, &config, &[]).await, trusted)
}

#[tokio::test]
async fn over_tls_http_1_and_http_2_are_spoken() {
    let provider = provider(Dialect::Anthropic).await;
    let (sidecar, trusted) = behind_tls(&provider).await;
    let expected = recorded(Dialect::Anthropic, false);

    let stream = tls(&sidecar, &trusted, &[b"h2", b"http/1.1"]).await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    tokio::spawn(connection);
    let asked = ["", ""].map(|_| sender.send_request(call(Dialect::Anthropic, Version::HTTP_2)));
    for response in futures_util::future::join_all(asked).await {
        assert_eq!(bytes(response.unwrap()).await, expected);
    }

    let stream = tls(&sidecar, &trusted, &[b"http/1.1"]).await;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    let response = sender
        .send_request(call(Dialect::Anthropic, Version::HTTP_11))
        .await
        .unwrap();
    assert_eq!(bytes(response).await, expected);
    for seen in provider.seen() {
        assert_eq!(seen.body, request(Dialect::Anthropic, false));
    }
    assert_eq!(provider.seen().len(), 3);
}

#[tokio::test]
async fn a_renewed_certificate_is_taken_over_and_a_broken_one_is_not() {
    let provider = provider(Dialect::Anthropic).await;
    let (sidecar, old) = behind_tls(&provider).await;
    let read_again =
        |line: &serde_json::Value| line["message"] == "the configuration was read again";

    fs::write(sidecar.folder.path().join("cert.pem"), "nonsense").unwrap();
    sidecar.signal("HUP");
    sidecar
        .logged("the mistake", |line| line["level"] == "ERROR")
        .await;
    tls(&sidecar, &old, &[]).await;

    let new = certificate(&sidecar.folder);
    sidecar.signal("HUP");
    sidecar.logged("the new certificate", read_again).await;
    tls(&sidecar, &new, &[]).await;
}

#[tokio::test]
async fn http_2_is_spoken_without_tls_to_who_begins_with_it() {
    let provider = provider(Dialect::Chat).await;
    let sidecar = Sidecar::before(&provider, "").await;
    let stream = TcpStream::connect(sidecar.agents).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    tokio::spawn(connection);
    let mut request = call(Dialect::Chat, Version::HTTP_2);
    *request.uri_mut() = format!("http://localhost{}", Dialect::Chat.path())
        .parse()
        .unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert_eq!(bytes(response).await, recorded(Dialect::Chat, false));
}

#[tokio::test]
async fn without_a_key_nothing_gets_in_and_errors_are_those_of_the_dialect() {
    let provider = provider(Dialect::Anthropic).await;
    let config = format!(
        "identity: {{ mode: keys }}\nupstreams: {{ mock: {{ url: {}, credential: none }} }}\n",
        provider.url()
    );
    let sidecar = Sidecar::start(&config).await;
    for (dialect, pointer, expected) in [
        (Dialect::Anthropic, "/error/type", "authentication_error"),
        (Dialect::Chat, "/error/code", "invalid_api_key"),
        (Dialect::Responses, "/error/code", "invalid_api_key"),
    ] {
        for credential in [
            "",
            "x-api-key: sk-ant-guessed\r\n",
            "authorization: Bearer guessed\r\n",
        ] {
            let refused = ask(
                sidecar.agents,
                &post(dialect.path(), credential, &request(dialect, true)),
            )
            .await;
            assert_eq!(refused.status(), 401);
            let error = refused.json();
            assert_eq!(error.pointer(pointer).unwrap(), expected, "{error}");
        }
    }
    assert_eq!(provider.connections(), 0);
}

#[tokio::test]
async fn in_passthrough_the_credential_goes_up_in_the_form_in_which_it_came_and_no_other() {
    let provider = provider(Dialect::Anthropic).await;
    let sidecar = Sidecar::before(&provider, "").await;
    for (header, value) in [
        ("x-api-key", "sk-ant-1"),
        ("authorization", "Bearer oauth-token"),
    ] {
        let call = post(
            "/v1/messages",
            &format!("{header}: {value}\r\n"),
            &request(Dialect::Anthropic, false),
        );
        assert_eq!(ask(sidecar.agents, &call).await.status(), 200);
        let seen = provider.seen().pop().unwrap();
        let found: Vec<_> = ["x-api-key", "authorization", "api-key"]
            .iter()
            .flat_map(|name| seen.all(name))
            .collect();
        assert_eq!(found, [value]);
        assert_eq!(seen.all(header), [value]);
    }
}

#[tokio::test]
async fn a_web_page_cannot_use_either_listener() {
    let provider = provider(Dialect::Anthropic).await;
    let sidecar = Sidecar::before(&provider, "").await;
    let with = |header: &str| {
        String::from_utf8(asked(Dialect::Anthropic, false))
            .unwrap()
            .replace("host: localhost\r\n", header)
            .into_bytes()
    };
    for header in [
        "host: evil.example\r\n",
        "host: localhost\r\norigin: https://evil.example\r\n",
        "host: localhost\r\nsec-fetch-site: cross-site\r\n",
    ] {
        let refused = ask(sidecar.agents, &with(header)).await;
        assert_eq!(refused.status(), 403, "{header}");
        assert_eq!(refused.json()["error"]["type"], "permission_error");
        let health = format!("GET /health HTTP/1.1\r\n{header}\r\n");
        assert_eq!(
            ask(sidecar.admin, health.as_bytes()).await.status(),
            403,
            "{header}"
        );
    }
    assert_eq!(provider.connections(), 0);
}
