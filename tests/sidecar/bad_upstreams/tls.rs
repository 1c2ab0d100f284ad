//! Providers who are not who they should be.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

use super::*;

/// A provider behind TLS. It counts the bytes that it could read.
struct Secure {
    port: u16,
    read: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

impl Secure {
    async fn start(certificate: CertificateDer<'static>, key: &KeyPair) -> Self {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let read = Arc::new(AtomicUsize::new(0));
        let count = read.clone();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut open = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (acceptor, count) = (acceptor.clone(), count.clone());
                open.spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else {
                        return;
                    };
                    let mut piece = [0; 4096];
                    let some = stream.read(&mut piece).await.unwrap_or_default();
                    count.fetch_add(some, Ordering::SeqCst);
                    let answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}";
                    stream.write_all(answer).await.ok();
                    stream.shutdown().await.ok();
                });
            }
        });
        Self {
            port,
            read,
            _tasks: tasks,
        }
    }
}

/// An authority that the sidecar trusts.
fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A sidecar that trusts this authority, before `host`.
async fn trusting(authority: &CertifiedIssuer<'_, KeyPair>, host: &str, settings: &str) -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("authority.pem");
    std::fs::write(&file, authority.pem()).unwrap();
    let environment = [("SSL_CERT_FILE", file.to_str().unwrap().to_owned())];
    let environment = environment
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    Scene::start_in(
        folder,
        &format!("url: \"https://{host}\"{settings}"),
        "",
        &environment,
    )
    .await
}

#[tokio::test]
async fn only_who_can_prove_its_name_is_spoken_to() {
    let authority = authority();
    let named = |name: &str| CertificateParams::new([name.to_owned()]).unwrap();
    let mut expired = named("localhost");
    expired.not_after = date_time_ymd(2020, 1, 1);
    let mut not_yet = named("localhost");
    not_yet.not_before = date_time_ymd(2100, 1, 1);
    not_yet.not_after = date_time_ymd(2101, 1, 1);
    for (what, params, signed, fine) in [
        ("all is well", named("localhost"), true, true),
        ("expired", expired, true, false),
        ("not yet valid", not_yet, true, false),
        ("another name", named("provider.example"), true, false),
        (
            "nobody's word for it but its own",
            named("localhost"),
            false,
            false,
        ),
    ] {
        let key = KeyPair::generate().unwrap();
        let certificate = match signed {
            true => params.signed_by(&key, &authority),
            false => params.self_signed(&key),
        };
        let certificate = certificate.unwrap().der().clone();
        let provider = Secure::start(certificate, &key).await;
        for http2 in ["", ", http2: true"] {
            let scene = trusting(&authority, &format!("localhost:{}", provider.port), http2).await;
            for (dialect, stream) in calls() {
                let got = scene.ask(&asked(dialect, stream)).await;
                if fine {
                    assert_eq!(got.0.unwrap().0.status(), 200, "{what}");
                } else {
                    let got = got.refused(dialect, 502);
                    assert!(got.text().contains("cannot reach the upstream"), "{what}");
                }
            }
            scene.goes_on().await;
        }
        assert_eq!(provider.read.load(Ordering::SeqCst) > 0, fine, "{what}");
    }
}

#[tokio::test]
async fn nothing_is_said_to_a_provider_that_speaks_no_tls_or_an_old_one() {
    let alert = |description| [21, 3, 1, 0, 2, 2, description];
    for answer in [
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}".to_vec(),
        // `protocol_version`, `handshake_failure`.
        alert(70).to_vec(),
        alert(40).to_vec(),
        // The beginning of a handshake in TLS 1.0.
        [&[22, 3, 1, 0, 42, 2, 0, 0, 38, 3, 1][..], &[7; 36]].concat(),
        b"".to_vec(),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (tell, mut heard) = tokio::sync::mpsc::unbounded_channel();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut bytes = vec![0; 5];
                stream.read_exact(&mut bytes).await.unwrap();
                stream.write_all(&answer).await.ok();
                stream.shutdown().await.ok();
                stream.read_to_end(&mut bytes).await.ok();
                tell.send(bytes).unwrap();
            }
        });
        let scene = trusting(&authority(), &format!("localhost:{port}"), "").await;
        for (dialect, stream) in calls() {
            scene
                .ask(&asked(dialect, stream))
                .await
                .refused(dialect, 502);
            let heard = within("the provider is left alone", heard.recv())
                .await
                .unwrap();
            assert_eq!(heard[0], 22, "a handshake, and nothing in the clear");
            for secret in ["sk-test", "mock-large"] {
                assert!(memchr::memmem::find(&heard, secret.as_bytes()).is_none());
            }
        }
        scene.goes_on().await;
    }
}
