//! The session, the user and the purpose of a request.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderName, Request, header::AUTHORIZATION};
use luthien_core::{
    Dialect,
    facts::{SessionId, UserId},
    json::{Document, Json, Limits},
    request::{LlmBody, LlmRequest},
};
use tower_layer::Layer;
use tower_service::Service;

use super::{credential, purpose};

/// Finds out to which conversation a request belongs, on whose behalf, and what it is for. See the
/// [module docs](super).
///
/// Inserts a [`SessionId`], a [`UserId`] (unless a trusted one is there) and a
/// [`Purpose`](luthien_core::facts::Purpose). All of it is what the client says; nothing is refused.
#[derive(Clone, Copy, Debug, Default)]
pub struct SessionLayer(());

impl SessionLayer {
    /// The layer. There is nothing to set.
    pub fn new() -> Self {
        Self(())
    }
}

impl<S> Layer<S> for SessionLayer {
    type Service = Session<S>;

    fn layer(&self, inner: S) -> Session<S> {
        Session { inner }
    }
}

/// See [`SessionLayer`].
#[derive(Clone, Debug)]
pub struct Session<S> {
    inner: S,
}

impl<S> Service<Request<LlmBody>> for Session<S>
where
    S: Service<Request<LlmBody>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<LlmBody>) -> Self::Future {
        let call = request.body().call();
        let metadata = call.and_then(claude_metadata);
        let session = session(request.headers(), call, metadata.as_ref());
        let user = match request.extensions().get::<UserId>() {
            Some(_) => None,
            None => user(request.headers(), call, metadata.as_ref()),
        };
        let purpose = purpose::of(request.uri().path(), request.headers(), call);
        let facts = request.extensions_mut();
        facts.insert(purpose);
        if let Some(session) = session {
            facts.insert(session);
        }
        if let Some(user) = user {
            facts.insert(user);
        }
        self.inner.call(request)
    }
}

/// The longest `metadata.user_id` that is looked into.
const LONGEST_METADATA: usize = 8 << 10;

/// Anthropic's `metadata.user_id`, in which Claude Code puts more than a user: a JSON object as a string (logged in), or
/// `user_<hash>_account_<uuid>_session_<uuid>` (with a key).
enum ClaudeMetadata {
    Json(Document),
    Text(String),
}

fn claude_metadata(call: &LlmRequest) -> Option<ClaudeMetadata> {
    if call.dialect() != Dialect::Anthropic {
        return None;
    }
    let text = call.root().get("metadata")?.get("user_id")?.as_str()?;
    if text.raw().len() > LONGEST_METADATA {
        return None;
    }
    let text = text.decode().into_owned();
    if text.starts_with('{') {
        return Document::parse(text.into(), &Limits::default())
            .ok()
            .map(ClaudeMetadata::Json);
    }
    Some(ClaudeMetadata::Text(text))
}

impl ClaudeMetadata {
    fn session(&self) -> Option<Arc<str>> {
        match self {
            Self::Json(document) => text(document.root().get("session_id")),
            Self::Text(text) => clean(text.rsplit_once("_session_")?.1),
        }
    }

    fn user(&self) -> Option<Arc<str>> {
        match self {
            Self::Json(document) => {
                let root = document.root();
                text(root.get("account_uuid")).or_else(|| text(root.get("device_id")))
            }
            Self::Text(text) => clean(text.split_once("_account_").map_or(text, |(user, _)| user)),
        }
    }
}

/// Headers in which clients name the session: Claude Code, Codex (two generations), opencode, and whoever follows the
/// habit.
const SESSION_HEADERS: [HeaderName; 4] = [
    HeaderName::from_static("x-claude-code-session-id"),
    HeaderName::from_static("session-id"),
    HeaderName::from_static("session_id"),
    HeaderName::from_static("x-session-id"),
];

fn session(
    headers: &HeaderMap,
    call: Option<&LlmRequest>,
    claude: Option<&ClaudeMetadata>,
) -> Option<SessionId> {
    let header = || {
        SESSION_HEADERS
            .iter()
            .find_map(|name| clean(headers.get(name)?.to_str().ok()?))
    };
    let body = || {
        let root = call
            .filter(|call| call.dialect() != Dialect::Anthropic)?
            .root();
        let conversation = root.get("conversation");
        text(conversation)
            .or_else(|| text(conversation?.get("id")))
            .or_else(|| text(root.get("metadata")?.get("session_id")))
            .or_else(|| text(root.get("prompt_cache_key")))
    };
    claude
        .and_then(ClaudeMetadata::session)
        .or_else(header)
        .or_else(body)
        .map(SessionId)
}

fn user(
    headers: &HeaderMap,
    call: Option<&LlmRequest>,
    claude: Option<&ClaudeMetadata>,
) -> Option<UserId> {
    let body = || {
        let root = call
            .filter(|call| call.dialect() != Dialect::Anthropic)?
            .root();
        text(root.get("safety_identifier")).or_else(|| text(root.get("user")))
    };
    let id = claude
        .and_then(ClaudeMetadata::user)
        .or_else(body)
        .or_else(|| token_subject(headers))?;
    Some(UserId { id, trusted: false })
}

/// The subject of a token that the client carries, not verified: the provider does that.
fn token_subject(headers: &HeaderMap) -> Option<Arc<str>> {
    let token = std::str::from_utf8(credential::of(headers.get(AUTHORIZATION)?)).ok()?;
    let (_, payload) = token.rsplit_once('.')?.0.split_once('.')?;
    if payload.len() > LONGEST_METADATA {
        return None;
    }
    let payload = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    let payload = Document::parse(payload.into(), &Limits::default()).ok()?;
    text(payload.root().get("sub"))
}

fn text(json: Option<Json<'_>>) -> Option<Arc<str>> {
    clean(&json?.as_str()?.decode())
}

/// A name as it may go into logs and limits: up to 256 characters, no control characters. `None` if nothing is left.
pub(super) fn clean(text: &str) -> Option<Arc<str>> {
    let text: String = text
        .trim()
        .chars()
        .filter(|c| !c.is_control())
        .take(256)
        .collect();
    (!text.is_empty()).then(|| text.into())
}
