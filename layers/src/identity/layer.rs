use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Request, Response};
use http_body::Body;
use http_body_util::{Either, Full};
use luthien_core::{
    Dialect,
    body::Chunk,
    facts::{CREDENTIAL_HEADERS, Caller, UserId},
    reject::{Rejection, RejectionKind},
};
use sha2::{Digest, Sha256};
use tower_layer::Layer;
use tower_service::Service;

use super::{
    credential,
    keys::{KeyDenied, KeyRing, PREFIX, Scope},
};
use crate::future::ResponseFuture;

/// Finds out who calls, by header alone. See the [module docs](super).
///
/// Inserts a [`Caller`] if there is a credential, and a [`UserId`] if somebody trusted names the user. Whatever the mode,
/// at most one credential goes on.
#[derive(Clone, Debug)]
pub struct IdentityLayer {
    mode: Mode,
    user_header: Option<HeaderName>,
}

#[derive(Clone)]
enum Mode {
    Passthrough,
    Keys { ring: KeyRing, others_pass: bool },
}

impl fmt::Debug for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Passthrough => "Passthrough",
            Self::Keys {
                others_pass: false, ..
            } => "Keys",
            Self::Keys {
                others_pass: true, ..
            } => "Both",
        })
    }
}

impl IdentityLayer {
    /// The client's own credential goes up, in the header in which it came.
    pub fn passthrough() -> Self {
        Self {
            mode: Mode::Passthrough,
            user_header: None,
        }
    }

    /// Clients need one of our keys. It is taken off; the upstream's credential is for the upstream to put on.
    pub fn keys(ring: KeyRing) -> Self {
        Self {
            mode: Mode::Keys {
                ring,
                others_pass: false,
            },
            user_header: None,
        }
    }

    /// Our keys are accepted as in [`keys`](Self::keys), other credentials as in [`passthrough`](Self::passthrough).
    pub fn both(ring: KeyRing) -> Self {
        Self {
            mode: Mode::Keys {
                ring,
                others_pass: true,
            },
            user_header: None,
        }
    }

    /// Believes this header about the user. Only for a proxy in front that sets it itself, and removes what clients
    /// send under its name.
    #[must_use]
    pub fn with_trusted_user_header(mut self, name: HeaderName) -> Self {
        self.user_header = Some(name);
        self
    }
}

impl<S> Layer<S> for IdentityLayer {
    type Service = Identity<S>;

    fn layer(&self, inner: S) -> Identity<S> {
        Identity {
            inner,
            settings: Arc::new(self.clone()),
        }
    }
}

/// See [`IdentityLayer`].
#[derive(Clone, Debug)]
pub struct Identity<S> {
    inner: S,
    settings: Arc<IdentityLayer>,
}

impl<S, B, R> Service<Request<B>> for Identity<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: Body<Data = Bytes>,
{
    type Response = Response<Either<R, Full<Bytes>>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, Bytes>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        match self.settings.identify(request.headers_mut()) {
            Ok(found) => {
                if let Some(caller) = found.caller {
                    request.extensions_mut().insert(caller);
                }
                if let Some(user) = found.user {
                    request.extensions_mut().insert(user);
                }
                ResponseFuture::forward(self.inner.call(request))
            }
            Err(rejection) => {
                let dialect = Dialect::of_client(request.uri().path(), request.headers());
                ResponseFuture::reject(rejection, dialect, Chunk::into_bytes)
            }
        }
    }
}

struct Found {
    caller: Option<Caller>,
    user: Option<UserId>,
}

impl IdentityLayer {
    fn identify(&self, headers: &mut HeaderMap) -> Result<Found, Rejection> {
        let credentials = credential::all(headers)?;
        let ours = credentials
            .iter()
            .map(|(_, value)| credential::of(value))
            .find(|key| key.starts_with(PREFIX.as_bytes()));
        let mut user = self
            .user_header
            .as_ref()
            .and_then(|name| user(headers.get(name)?.as_bytes()));
        let caller = match (&self.mode, ours) {
            (Mode::Keys { ring, .. }, Some(key)) => {
                let entry = ring.find(key, Scope::Data).map_err(denied)?;
                for name in &CREDENTIAL_HEADERS {
                    headers.remove(name);
                }
                user = user.or(entry.user.map(|id| UserId { id, trusted: true }));
                Some(Caller::Key {
                    id: entry.id,
                    name: entry.name,
                })
            }
            (
                Mode::Keys {
                    others_pass: false, ..
                },
                None,
            ) => return Err(no_key(credentials.is_empty())),
            (Mode::Passthrough, Some(_)) => return Err(foreign_key()),
            (_, None) => {
                let mut credentials = credentials.into_iter();
                let kept = credentials.next();
                for (name, _) in credentials {
                    headers.remove(name);
                }
                kept.map(|(_, value)| Caller::Client {
                    fingerprint: fingerprint(credential::of(&value)),
                })
            }
        };
        Ok(Found { caller, user })
    }
}

fn user(value: &[u8]) -> Option<UserId> {
    let id = super::session::clean(std::str::from_utf8(value).ok()?)?;
    Some(UserId { id, trusted: true })
}

/// Eight bytes of a digest: tells any number of callers apart that one sidecar will see.
fn fingerprint(credential: &[u8]) -> Arc<str> {
    let digest = Sha256::digest(credential);
    let mut hex = String::with_capacity(16);
    let nibbles = digest
        .iter()
        .take(8)
        .flat_map(|byte| [byte >> 4, byte & 15]);
    hex.extend(nibbles.filter_map(digit));
    hex.into()
}

fn digit(nibble: u8) -> Option<char> {
    char::from_digit(nibble.into(), 16)
}

fn denied(denied: KeyDenied) -> Rejection {
    let (kind, code) = match denied {
        KeyDenied::Unknown => (RejectionKind::Unauthenticated, "invalid_api_key"),
        KeyDenied::Expired => (RejectionKind::Unauthenticated, "expired_api_key"),
        KeyDenied::Scope(_) => (RejectionKind::Forbidden, "api_key_scope"),
    };
    Rejection::new(kind, denied.to_string())
        .with_code(code)
        .with_should_retry(false)
}

fn no_key(nothing: bool) -> Rejection {
    let message = if nothing {
        "a key is needed: send it as `x-api-key` or as `authorization: Bearer`"
    } else {
        "a key of this sidecar is needed: it begins with \"lth_\", and `luthien keys new` makes one"
    };
    Rejection::new(RejectionKind::Unauthenticated, message).with_should_retry(false)
}

fn foreign_key() -> Rejection {
    let message = "this is a key of Luthien's, but clients need a key of the provider's here: \
                   set `identity.mode` to `keys` or `both`, or send the provider's key";
    Rejection::new(RejectionKind::Unauthenticated, message)
        .with_code("keys_not_in_use")
        .with_should_retry(false)
}
