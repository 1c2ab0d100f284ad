use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{Extensions, HeaderMap, HeaderName, Request, Response};
use http_body_util::Full;
use luthien_core::{
    Dialect,
    facts::{CREDENTIAL_HEADERS, Caller, Purpose, SessionId, UserId},
    gate::gate,
    reject::Rejection,
    testing::{Provider, send},
};
use secrecy::ExposeSecret;
use tower::{Layer, ServiceExt, service_fn};

use super::*;

type Reached = Option<(HeaderMap, Extensions)>;

/// Sends headers through the layer: the response, and what got through.
async fn pass(layer: &IdentityLayer, headers: &[(&str, &str)]) -> (Response<()>, Reached) {
    let reached: Arc<Mutex<Reached>> = Arc::default();
    let below = reached.clone();
    let service = layer.layer(service_fn(move |request: Request<Full<Bytes>>| {
        let (head, _) = request.into_parts();
        *below.lock().unwrap() = Some((head.headers, head.extensions));
        async { Ok::<_, Infallible>(Response::new(Full::<Bytes>::default())) }
    }));
    let mut request = Request::post("/v1/messages").body(Full::default()).unwrap();
    for (name, value) in headers {
        request
            .headers_mut()
            .append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
    }
    let response = service.oneshot(request).await.unwrap().map(|_| ());
    let reached = reached.lock().unwrap().take();
    (response, reached)
}

fn credentials(headers: &HeaderMap) -> Vec<(&str, &str)> {
    let all = headers
        .iter()
        .filter(|(name, _)| CREDENTIAL_HEADERS.contains(name));
    all.map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
        .collect()
}

fn code(response: &Response<()>) -> (u16, &'static str) {
    (
        response.status().as_u16(),
        response
            .extensions()
            .get::<Rejection>()
            .map_or("", Rejection::code),
    )
}

fn key_and_ring(change: impl FnOnce(&mut KeyEntry)) -> (String, KeyRing) {
    let (key, mut entry) = KeyEntry::generate("laptop").unwrap();
    change(&mut entry);
    (
        key.expose_secret().to_owned(),
        KeyRing::new([entry]).with_clock(|| 1000),
    )
}

#[tokio::test]
async fn a_clients_own_credential_goes_up_in_the_header_in_which_it_came() {
    let layer = IdentityLayer::passthrough();
    for (name, value) in [
        ("authorization", "Bearer sk-ant-oat01-x"),
        ("authorization", "Bearer sk-proj-x"),
        ("x-api-key", "sk-ant-api03-x"),
        ("api-key", "azure"),
    ] {
        let (response, reached) = pass(&layer, &[(name, value)]).await;
        assert_eq!(response.status(), 200);
        let (headers, facts) = reached.unwrap();
        assert_eq!(credentials(&headers), [(name, value)]);
        let Some(Caller::Client { fingerprint }) = facts.get() else {
            panic!("no caller")
        };
        assert_eq!(fingerprint.len(), 16);
        assert!(!value.contains(&**fingerprint));
    }
    let (response, reached) = pass(&layer, &[]).await;
    assert_eq!(response.status(), 200, "a local model may need none");
    assert!(reached.unwrap().1.get::<Caller>().is_none());
}

#[tokio::test]
async fn never_do_two_credentials_go_up() {
    // TRAPS: an SDK picked a key up from the environment and sent it beside the login that was meant.
    let both = [
        ("x-api-key", "sk-ant-api03-x"),
        ("authorization", "Bearer sk-ant-oat01-x"),
        ("api-key", "y"),
    ];
    let (_, reached) = pass(&IdentityLayer::passthrough(), &both).await;
    assert_eq!(
        credentials(&reached.unwrap().0),
        [("authorization", "Bearer sk-ant-oat01-x")]
    );
    let twice = [("authorization", "Bearer a"), ("authorization", "Bearer b")];
    let (response, reached) = pass(&IdentityLayer::passthrough(), &twice).await;
    assert_eq!(code(&response), (400, "two_credentials"));
    assert!(reached.is_none());
}

#[tokio::test]
async fn the_same_credential_has_the_same_fingerprint_in_either_header() {
    let mut seen = Vec::new();
    for header in [
        ("authorization", "Bearer k1"),
        ("x-api-key", "k1"),
        ("x-api-key", "k2"),
    ] {
        let (_, facts) = pass(&IdentityLayer::passthrough(), &[header])
            .await
            .1
            .unwrap();
        seen.push(facts.get::<Caller>().unwrap().id().to_owned());
    }
    assert_eq!(seen[0], seen[1]);
    assert_ne!(seen[1], seen[2]);
}

#[tokio::test]
async fn our_key_is_recognised_in_either_header_and_never_goes_up() {
    let (key, ring) = key_and_ring(|entry| entry.user = Some("alice".into()));
    let bearer = format!("bearer  {key}");
    for layer in [IdentityLayer::keys(ring.clone()), IdentityLayer::both(ring)] {
        for header in [("x-api-key", &*key), ("authorization", &*bearer)] {
            let also = ("x-goog-api-key", "left over");
            let (response, reached) = pass(&layer, &[header, also]).await;
            assert_eq!(response.status(), 200);
            let (headers, facts) = reached.unwrap();
            assert_eq!(credentials(&headers), []);
            assert!(matches!(facts.get(), Some(Caller::Key { name, .. }) if &**name == "laptop"));
            assert_eq!(
                facts.get(),
                Some(&UserId {
                    id: "alice".into(),
                    trusted: true
                })
            );
        }
    }
}

#[tokio::test]
async fn wrong_keys_are_refused_alike_and_say_what_to_do() {
    let (key, ring) = key_and_ring(|_| {});
    let (other, _) = key_and_ring(|_| {});
    let layer = IdentityLayer::keys(ring.clone());
    let cut = &key[..key.len() - 1];
    let forged = format!("{}{}", &key[..13], &other[13..]);
    for wrong in [&*other, cut, &forged, "lth_", "lth_\u{e4}bcdefg_x"] {
        let (response, reached) = pass(&layer, &[("x-api-key", wrong)]).await;
        assert_eq!(code(&response), (401, "invalid_api_key"), "{wrong}");
        assert_eq!(response.headers()["x-should-retry"], "false");
        assert!(reached.is_none());
    }
    assert_eq!(code(&pass(&layer, &[]).await.0).0, 401);
    assert_eq!(
        code(&pass(&layer, &[("x-api-key", "sk-ant-api03-x")]).await.0).0,
        401
    );
    // With both modes on, a provider's credential passes, but a wrong key of ours still does not.
    let both = IdentityLayer::both(ring);
    assert_eq!(
        pass(&both, &[("x-api-key", "sk-ant-api03-x")])
            .await
            .0
            .status(),
        200
    );
    assert_eq!(
        code(&pass(&both, &[("x-api-key", &other)]).await.0),
        (401, "invalid_api_key")
    );
    // And where our keys are not in use, one of them is not shown to the provider.
    let (response, reached) = pass(&IdentityLayer::passthrough(), &[("x-api-key", &key)]).await;
    assert_eq!(code(&response), (401, "keys_not_in_use"));
    assert!(reached.is_none());
}

#[tokio::test]
async fn keys_expire_are_revoked_and_have_scopes() {
    let (key, ring) = key_and_ring(|entry| entry.expires_at = Some(1000));
    assert_eq!(
        code(
            &pass(&IdentityLayer::keys(ring), &[("x-api-key", &key)])
                .await
                .0
        ),
        (401, "expired_api_key")
    );
    let (key, ring) = key_and_ring(|entry| entry.expires_at = Some(1001));
    let layer = IdentityLayer::keys(ring.clone());
    assert_eq!(pass(&layer, &[("x-api-key", &key)]).await.0.status(), 200);
    ring.replace([]);
    assert_eq!(
        code(&pass(&layer, &[("x-api-key", &key)]).await.0),
        (401, "invalid_api_key")
    );
    let (key, ring) = key_and_ring(|entry| entry.scopes = vec![Scope::Admin]);
    assert_eq!(
        code(
            &pass(&IdentityLayer::keys(ring), &[("x-api-key", &key)])
                .await
                .0
        ),
        (403, "api_key_scope")
    );
}

#[test]
fn a_key_is_shown_once_and_only_its_digest_is_kept() {
    let (key, entry) = KeyEntry::generate("n").unwrap();
    let secret = key.expose_secret();
    assert!(secret.starts_with("lth_") && secret.len() == 56);
    assert!(!format!("{key:?} {entry:?}").contains(&secret[13..]));
    assert_ne!(KeyEntry::generate("n").unwrap().1.digest, entry.digest);
}

#[tokio::test]
async fn a_user_header_is_believed_only_when_configured_and_cleaned() {
    let sent = [("x-luthien-user-id", "bob")];
    let (_, facts) = pass(&IdentityLayer::passthrough(), &sent).await.1.unwrap();
    assert_eq!(facts.get::<UserId>(), None);
    let layer = IdentityLayer::passthrough()
        .with_trusted_user_header(HeaderName::from_static("x-luthien-user-id"));
    let long = "u".repeat(300);
    for (value, expected) in [
        ("bo\tb", Some("bob")),
        (&*long, Some(&long[..256])),
        (" ", None),
    ] {
        let (_, facts) = pass(&layer, &[("x-luthien-user-id", value)])
            .await
            .1
            .unwrap();
        let user = expected.map(|id| UserId {
            id: id.into(),
            trusted: true,
        });
        assert_eq!(facts.get::<UserId>(), user.as_ref());
    }
}

/// What the session layer makes of a request.
async fn facts(path: &str, headers: &[(&str, &str)], body: &str) -> Extensions {
    let provider = Provider::default();
    let service = gate(SessionLayer::new()).layer(provider.clone());
    let mut request = Request::post(path)
        .body(Bytes::from(body.to_owned()))
        .unwrap();
    for (name, value) in headers {
        request
            .headers_mut()
            .append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
    }
    send(&service, request).await;
    let seen = provider.seen().pop().unwrap();
    assert_eq!(seen.body.unwrap(), body, "nothing is changed");
    seen.head.extensions
}

fn session(facts: &Extensions) -> Option<&str> {
    facts.get().map(|SessionId(id)| &**id)
}

fn user(facts: &Extensions) -> Option<&str> {
    facts.get().map(|user: &UserId| &*user.id)
}

#[tokio::test]
async fn sessions_are_found_in_every_form_that_clients_use() {
    let claude_json = r#"{"metadata":{"user_id":"{\"device_id\":\"d\",\"account_uuid\":\"acc\",\"session_id\":\"s-1\"}"}}"#;
    let claude_text = r#"{"metadata":{"user_id":"user_ab12_account__session_s-1"}}"#;
    for (dialect, headers, body, expected) in [
        (Dialect::Anthropic, vec![], claude_json, Some("s-1")),
        (Dialect::Anthropic, vec![], claude_text, Some("s-1")),
        (
            Dialect::Anthropic,
            vec![("x-claude-code-session-id", "s-1")],
            "{}",
            Some("s-1"),
        ),
        (
            Dialect::Anthropic,
            vec![("x-session-id", "s-1")],
            "{}",
            Some("s-1"),
        ),
        (
            Dialect::Anthropic,
            vec![("x-session-id", "other")],
            claude_json,
            Some("s-1"),
        ),
        (
            Dialect::Anthropic,
            vec![],
            r#"{"metadata":{"user_id":"alice"}}"#,
            None,
        ),
        (
            Dialect::Anthropic,
            vec![],
            r#"{"metadata":{"user_id":"{broken"}}"#,
            None,
        ),
        (
            Dialect::Anthropic,
            vec![],
            r#"{"metadata":{"user_id":7}}"#,
            None,
        ),
        (
            Dialect::Responses,
            vec![("session-id", "s-1")],
            "{}",
            Some("s-1"),
        ),
        (
            Dialect::Responses,
            vec![("session_id", "s-1")],
            "{}",
            Some("s-1"),
        ),
        (
            Dialect::Responses,
            vec![],
            r#"{"prompt_cache_key":"s-1"}"#,
            Some("s-1"),
        ),
        (
            Dialect::Responses,
            vec![],
            r#"{"conversation":{"id":"s-1"},"prompt_cache_key":"k"}"#,
            Some("s-1"),
        ),
        (
            Dialect::Responses,
            vec![],
            r#"{"conversation":"s-1"}"#,
            Some("s-1"),
        ),
        (
            Dialect::Chat,
            vec![],
            r#"{"metadata":{"session_id":"s-1"}}"#,
            Some("s-1"),
        ),
        (
            Dialect::Chat,
            vec![("x-session-id", "s\t-1")],
            "{}",
            Some("s-1"),
        ),
        (
            Dialect::Chat,
            vec![],
            r#"{"prompt_cache_key":"\u0007 "}"#,
            None,
        ),
        (Dialect::Chat, vec![], "{}", None),
    ] {
        let facts = facts(dialect.path(), &headers, body).await;
        assert_eq!(session(&facts), expected, "{dialect} {headers:?} {body}");
    }
    let long = format!(
        r#"{{"metadata":{{"user_id":"{}_session_x"}}}}"#,
        "y".repeat(9000)
    );
    assert_eq!(
        session(&facts("/v1/messages", &[], &long).await),
        None,
        "too long to be one"
    );
    let counting = facts(
        "/v1/messages/count_tokens",
        &[("x-claude-code-session-id", "s-1")],
        "{}",
    )
    .await;
    assert_eq!(session(&counting), Some("s-1"));
}

#[tokio::test]
async fn users_are_what_clients_say_and_marked_as_such() {
    let token = |claims: &str| format!("Bearer e30.{}.sig", URL_SAFE_NO_PAD.encode(claims));
    let subject = token(r#"{"sub":"user-7"}"#);
    for (dialect, headers, body, expected) in [
        (
            Dialect::Anthropic,
            vec![],
            r#"{"metadata":{"user_id":"user_ab12_account__session_s"}}"#,
            Some("user_ab12"),
        ),
        (
            Dialect::Anthropic,
            vec![],
            r#"{"metadata":{"user_id":"alice"}}"#,
            Some("alice"),
        ),
        (
            Dialect::Anthropic,
            vec![],
            r#"{"metadata":{"user_id":"{\"device_id\":\"dev\",\"account_uuid\":\"\",\"session_id\":\"s\"}"}}"#,
            Some("dev"),
        ),
        (Dialect::Chat, vec![], r#"{"user":"bob"}"#, Some("bob")),
        (
            Dialect::Responses,
            vec![],
            r#"{"safety_identifier":"hash","user":"bob"}"#,
            Some("hash"),
        ),
        (
            Dialect::Responses,
            vec![("authorization", &*subject)],
            "{}",
            Some("user-7"),
        ),
        (
            Dialect::Responses,
            vec![("authorization", "Bearer a.%%.c")],
            "{}",
            None,
        ),
        (
            Dialect::Responses,
            vec![("authorization", "Bearer sk-proj-x")],
            "{}",
            None,
        ),
    ] {
        let facts = facts(dialect.path(), &headers, body).await;
        assert_eq!(user(&facts), expected, "{dialect} {headers:?} {body}");
        assert!(facts.get::<UserId>().is_none_or(|user| !user.trusted));
    }
}

#[tokio::test]
async fn a_trusted_user_is_not_overwritten() {
    let layer = tower::ServiceBuilder::new().layer(
        IdentityLayer::passthrough().with_trusted_user_header(HeaderName::from_static("x-user")),
    );
    let provider = Provider::default();
    let service = layer.service(gate(SessionLayer::new()).layer(provider.clone()));
    let request = Request::post("/v1/chat/completions")
        .header("x-user", "alice")
        .body(r#"{"user":"bob"}"#.into());
    send(&service, request.unwrap()).await;
    assert_eq!(user(&provider.seen()[0].head.extensions), Some("alice"));
}

#[tokio::test]
async fn errands_of_a_client_are_told_from_turns() {
    let sub = Purpose::SubAgent {
        id: Some("aca8".into()),
    };
    let marked =
        r#"{"system":[{"type":"text","text":"x-anthropic-billing-header: cc_is_subagent=true;"}]}"#;
    let title =
        r#"{"system":[{"type":"text","text":"You are a title generator. You"}],"messages":[]}"#;
    let asked = r#"{"output_config":{"format":{"type":"json_schema","schema":{"properties":{"title":{}}}}}}"#;
    let compact = r#"{"tools":[{}],"messages":[{"role":"user","content":"x"},{"role":"user","content":"CRITICAL: Respond with TEXT ONLY. Do"}]}"#;
    let earlier = r#"{"messages":[{"role":"user","content":"CRITICAL: Respond with TEXT ONLY"},{"role":"user","content":"no"}]}"#;
    let codex = r#"{"request_kind":"compaction","x":1}"#;
    for (path, headers, body, expected) in [
        ("/v1/messages", vec![], "{}", Purpose::Turn),
        (
            "/v1/messages",
            vec![("x-claude-code-agent-id", "aca8")],
            "{}",
            sub,
        ),
        (
            "/v1/messages",
            vec![],
            marked,
            Purpose::SubAgent { id: None },
        ),
        (
            "/v1/messages",
            vec![("x-parent-session-id", "p")],
            "{}",
            Purpose::SubAgent { id: None },
        ),
        (
            "/v1/messages",
            vec![],
            r#"{"max_tokens":1}"#,
            Purpose::Probe,
        ),
        ("/v1/messages", vec![], title, Purpose::Title),
        ("/v1/messages", vec![], asked, Purpose::Title),
        ("/v1/messages", vec![], compact, Purpose::Compaction),
        ("/v1/messages", vec![], earlier, Purpose::Turn),
        (
            "/v1/messages/count_tokens",
            vec![],
            "{}",
            Purpose::TokenCount,
        ),
        (
            "/v1/responses",
            vec![("x-codex-turn-metadata", codex)],
            "{}",
            Purpose::Compaction,
        ),
        (
            "/v1/responses",
            vec![("x-codex-turn-metadata", "{\"request_kind\":\"turn\"}")],
            "{}",
            Purpose::Turn,
        ),
        ("/v1/models", vec![], "", Purpose::Turn),
    ] {
        assert_eq!(
            facts(path, &headers, body).await.get(),
            Some(&expected),
            "{path} {headers:?} {body}"
        );
    }
}

#[tokio::test]
async fn recorded_clients_are_recognised() {
    let captures = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/captures/");
    let id = "00000000-0000-4000-8000-000000000001";
    for (file, expected) in [
        ("claude-code-tool-loop", vec![("turn", id); 2]),
        (
            "claude-code-compact",
            vec![("turn", id), ("compaction", id), ("turn", id)],
        ),
        (
            "claude-code-subagent",
            vec![("turn", id), ("turn", id), ("sub_agent", id), ("turn", id)],
        ),
        ("claude-code-context", vec![("token_count", id); 24]),
        ("codex-tool-loop", vec![("turn", id); 2]),
        (
            "codex-compact",
            vec![("turn", id), ("compaction", id), ("turn", id)],
        ),
        (
            "opencode-tool-loop-chat",
            vec![("title", "ses_"), ("turn", "ses_"), ("turn", "ses_")],
        ),
    ] {
        let capture = std::fs::read(format!("{captures}{file}.json")).unwrap();
        let capture =
            luthien_core::json::Document::parse(capture.into(), &Default::default()).unwrap();
        let mut found = Vec::new();
        for recorded in capture.root().get("requests").unwrap().items() {
            let Some(body) = recorded.get("body") else {
                continue;
            };
            let text =
                |json: luthien_core::json::Json<'_>| json.as_str().unwrap().decode().into_owned();
            let headers: Vec<_> = recorded
                .get("headers")
                .unwrap()
                .items()
                .map(|pair| {
                    let mut pair = pair.items().map(text);
                    (pair.next().unwrap(), pair.next().unwrap())
                })
                .collect();
            let headers: Vec<_> = headers
                .iter()
                .map(|(name, value)| (&**name, &**value))
                .collect();
            let target = text(recorded.get("target").unwrap());
            let facts = facts(&target, &headers, std::str::from_utf8(body.text()).unwrap()).await;
            found.push((
                facts.get::<Purpose>().unwrap().name(),
                session(&facts).unwrap()[..expected[0].1.len()].to_owned(),
            ));
        }
        let found: Vec<_> = found
            .iter()
            .map(|(purpose, session)| (*purpose, &**session))
            .collect();
        assert_eq!(found, expected, "{file}");
    }
}
