//! Providers one after the other.

use super::*;
use crate::support::{replies::events, sidecar::luthien};

/// An upstream's part of the configuration.
fn named(name: &str, provider: &Provider) -> String {
    format!(
        "{name}: {{ url: {}, credential: \"${{KEY_OF_{}}}\" }}",
        provider.url(),
        name.to_uppercase()
    )
}

/// A sidecar before these upstreams, which are tried in this order; and a key of its own.
async fn in_order(upstreams: &[(&str, &Provider)]) -> (Sidecar, String) {
    let folder = tempfile::tempdir().unwrap();
    let parts: Vec<_> = upstreams
        .iter()
        .map(|(name, provider)| named(name, provider))
        .collect();
    let names: Vec<_> = upstreams.iter().map(|(name, _)| *name).collect();
    let config = format!(
        "identity: {{ mode: both, keys: keys.json }}\nupstreams: {{ {} }}\nroutes: [{{ models: [\"*\"], upstreams: [{}] }}]\nbreaker: {{ enabled: false }}\n",
        parts.join(", "),
        names.join(", ")
    );
    std::fs::write(folder.path().join("luthien.yaml"), &config).unwrap();
    let environment = [
        ("KEY_OF_A", "sk-of-a"),
        ("KEY_OF_B", "sk-of-b"),
        ("KEY_OF_C", "sk-of-c"),
    ];
    let made = luthien(folder.path())
        .args(["--config", "luthien.yaml", "keys", "new", "test"])
        .envs(environment)
        .output()
        .await
        .unwrap();
    let key = String::from_utf8(made.stdout).unwrap().trim().to_owned();
    assert!(
        made.status.success() && !key.is_empty(),
        "{:?}",
        made.stderr
    );
    (Sidecar::start_in(folder, &config, &environment).await, key)
}

/// Asks with a key of the sidecar's.
async fn ask_with(sidecar: &Sidecar, key: &str, dialect: Dialect, stream: bool) -> Got {
    let headers = format!("authorization: Bearer {key}\r\n");
    let mut client = Client::connect(sidecar.agents).await;
    let asked = post(dialect.path(), &headers, &request(dialect, stream));
    client.write(&asked).await.unwrap();
    Got(within("a response", client.read.response(false)).await)
}

/// It was asked this often, with this and no other credential.
fn was_asked(provider: &Provider, times: usize, credential: &str) {
    let seen = provider.seen();
    assert_eq!(seen.len(), times);
    for request in seen {
        assert_eq!(
            request.header("authorization"),
            Some(format!("Bearer {credential}").as_str())
        );
        let head = String::from_utf8_lossy(&request.head).into_owned();
        assert_eq!(head.matches("sk-").count(), 1, "{head}");
        assert!(!head.contains("luthien") && !head.contains("lt-"), "{head}");
    }
}

#[tokio::test]
async fn the_next_provider_is_asked_before_the_first_byte_and_with_its_own_credential() {
    let good = || Provider::start(good::reply);
    for failing in [
        "HTTP/1.1 529 X\r\nretry-after: 9\r\ncontent-length: 4\r\n\r\nbusy",
        "HTTP/1.1 2",
        "",
    ] {
        let (a, b, c) = (Provider::raw(failing).await, good().await, good().await);
        let (sidecar, key) = in_order(&[("a", &a), ("b", &b), ("c", &c)]).await;
        for (dialect, stream) in calls() {
            let got = ask_with(&sidecar, &key, dialect, stream).await.whole();
            assert_eq!(
                (got.status(), got.body.as_slice()),
                (200, &*recorded(dialect, stream))
            );
            assert_eq!(got.header("retry-after"), None);
            let line = good::line(&sidecar, &got).await;
            assert_eq!(
                (&line["upstream"], &line["attempts"]),
                (&"b".into(), &2.into())
            );
        }
        was_asked(&a, 6, "sk-of-a");
        was_asked(&b, 6, "sk-of-b");
        was_asked(&c, 0, "sk-of-c");
        let bodies = |provider: &Provider| {
            provider
                .seen()
                .into_iter()
                .map(|seen| seen.body)
                .collect::<Vec<_>>()
        };
        assert_eq!(bodies(&a), bodies(&b));
    }
}

#[tokio::test]
async fn each_declared_provider_is_asked_once_and_what_the_last_says_is_the_answer() {
    let busy = |status| {
        Provider::saying(
            status,
            "retry-after: 7\r\nrequest-id: r\r\n",
            format!("busy {status}"),
        )
    };
    let (a, b, c) = (busy(503).await, Provider::raw("").await, busy(529).await);
    for (order, expected) in [
        ([("a", &a), ("b", &b), ("c", &c)], 529),
        ([("c", &c), ("b", &b), ("a", &a)], 503),
        ([("a", &a), ("c", &c), ("b", &b)], 502),
    ] {
        let before = order.map(|(_, provider)| provider.seen().len());
        let (sidecar, key) = in_order(&order).await;
        for (dialect, stream) in calls() {
            let got = ask_with(&sidecar, &key, dialect, stream).await;
            if expected == 502 {
                got.refused(dialect, 502);
            } else {
                let got = got.whole();
                assert_eq!(
                    (got.status(), got.text()),
                    (expected, format!("busy {expected}").as_str())
                );
                assert_eq!(
                    (got.header("retry-after"), got.header("request-id")),
                    (Some("7"), Some("r"))
                );
            }
        }
        assert_eq!(
            order.map(|(_, provider)| provider.seen().len()),
            before.map(|count| count + 6)
        );
    }
    was_asked(&a, 18, "sk-of-a");
    was_asked(&b, 18, "sk-of-b");
    was_asked(&c, 18, "sk-of-c");
}

#[tokio::test]
async fn after_the_first_byte_nobody_else_is_asked() {
    let a = Provider::start(|request, mut wire| async move {
        let dialect = dialect_of(&request);
        if request.text().contains("\"stream\":true") {
            wire.stream().await?;
            wire.chunk(&events(dialect)[0]).await?;
        } else {
            let head =
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{";
            wire.write(head.as_bytes()).await?;
        }
        Ok(None)
    })
    .await;
    let b = Provider::saying(200, "", "{}").await;
    let (sidecar, key) = in_order(&[("a", &a), ("b", &b)]).await;
    for (dialect, stream) in calls() {
        ask_with(&sidecar, &key, dialect, stream).await.broken();
    }
    was_asked(&a, 6, "sk-of-a");
    was_asked(&b, 0, "sk-of-b");
}

#[tokio::test]
async fn what_is_the_clients_own_mistake_is_asked_once() {
    let b = Provider::saying(200, "", "{}").await;
    for status in [400, 401, 402, 403, 404, 413, 422] {
        let a = Provider::saying(status, "", "no").await;
        let (sidecar, key) = in_order(&[("a", &a), ("b", &b)]).await;
        for (dialect, stream) in calls() {
            let got = ask_with(&sidecar, &key, dialect, stream).await.whole();
            assert_eq!((got.status(), got.text()), (status, "no"));
        }
        was_asked(&a, 6, "sk-of-a");
    }
    was_asked(&b, 0, "sk-of-b");
}
