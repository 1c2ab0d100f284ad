//! Whose credential goes up.

use luthien_core::facts::Caller;

use super::*;

#[tokio::test]
async fn the_upstreams_credential_is_put_on_for_holders_of_our_keys_only() {
    let server = Server::start(ok).await;
    let sent = |headers: &http::HeaderMap| -> Vec<(String, String)> {
        let text = |value: &http::HeaderValue| value.to_str().unwrap().to_owned();
        let known = luthien_core::facts::CREDENTIAL_HEADERS;
        headers
            .iter()
            .filter(|(name, _)| known.contains(name))
            .map(|(n, v)| (n.to_string(), text(v)))
            .collect()
    };
    for (credential, expected) in [
        (
            Credential::for_dialect(Dialect::Anthropic, "sk-up"),
            ("x-api-key", "sk-up"),
        ),
        (
            Credential::for_dialect(Dialect::Chat, "sk-up"),
            ("authorization", "Bearer sk-up"),
        ),
        (
            Credential::bearer("sk-up"),
            ("authorization", "Bearer sk-up"),
        ),
    ] {
        assert!(!format!("{credential:?}").contains("sk-up"));
        let upstream = upstream(&server).with_credential(credential);
        let service = gates().layer(Upstreams::builder().upstream(upstream).build().unwrap());
        let mut asked = call(Dialect::Anthropic);
        asked
            .headers_mut()
            .insert("x-api-key", "left over".parse().unwrap());
        asked
            .headers_mut()
            .insert("authorization", "Bearer left over".parse().unwrap());
        asked.extensions_mut().insert(Caller::Key {
            id: "k".into(),
            name: "n".into(),
        });
        send(&service, asked).await;
        assert_eq!(
            sent(&server.last().0.headers),
            [(expected.0.into(), expected.1.into())]
        );
        let mut asked = call(Dialect::Anthropic);
        asked
            .headers_mut()
            .insert("authorization", "Bearer own".parse().unwrap());
        send(&service, asked).await;
        assert_eq!(
            sent(&server.last().0.headers),
            [("authorization".into(), "Bearer own".into())]
        );
    }
}
