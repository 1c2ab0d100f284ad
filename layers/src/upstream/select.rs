//! Upstreams, and which of them a request may go to.

use std::{fmt, sync::Arc};

use http::{
    HeaderMap, HeaderName, HeaderValue, Uri,
    header::AUTHORIZATION,
    uri::{Authority, InvalidUri, PathAndQuery, Scheme},
};
use luthien_core::{Dialect, request::ModelPattern};
use secrecy::{ExposeSecret, SecretString};

/// A provider, or something that speaks like one.
#[derive(Clone, Debug)]
pub struct Upstream {
    pub(super) name: Arc<str>,
    scheme: Scheme,
    authority: Authority,
    /// What goes before the path of every request; empty or `/…`.
    base: String,
    pub(super) dialects: Vec<Dialect>,
    pub(super) credential: Option<Credential>,
    pub(super) http2: bool,
}

/// What is put on for a caller with a key of ours: a header and its secret value.
#[derive(Clone, Debug)]
pub struct Credential {
    header: HeaderName,
    value: SecretString,
}

impl Credential {
    /// `authorization: Bearer …`.
    pub fn bearer(secret: impl Into<SecretString>) -> Self {
        let secret = secret.into();
        Self {
            header: AUTHORIZATION,
            value: format!("Bearer {}", secret.expose_secret()).into(),
        }
    }

    /// The secret alone, in this header: `x-api-key`, say.
    pub fn header(name: HeaderName, secret: impl Into<SecretString>) -> Self {
        Self {
            header: name,
            value: secret.into(),
        }
    }

    /// The header that this dialect's provider expects, with this secret.
    pub fn for_dialect(dialect: Dialect, secret: impl Into<SecretString>) -> Self {
        match dialect {
            Dialect::Anthropic => Self::header(HeaderName::from_static("x-api-key"), secret),
            _ => Self::bearer(secret),
        }
    }

    /// Whether the value can stand in a header.
    pub(super) fn is_sound(&self) -> bool {
        HeaderValue::from_str(self.value.expose_secret()).is_ok()
    }

    pub(super) fn put_on(&self, headers: &mut HeaderMap) {
        if let Ok(mut value) = HeaderValue::from_str(self.value.expose_secret()) {
            value.set_sensitive(true);
            headers.insert(self.header.clone(), value);
        }
    }
}

/// Why upstreams cannot be built as they are described.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UpstreamError {
    /// Not a URL of the form `https://host[:port][/path]`.
    #[error("upstream {name:?}: {url:?} is not a URL of the form https://host[:port][/path]")]
    Url {
        /// The upstream.
        name: String,
        /// What should be a URL.
        url: String,
    },
    /// Two upstreams of one name.
    #[error("two upstreams are named {0:?}")]
    Twice(String),
    /// A route to an upstream that is not there.
    #[error("a route names the upstream {0:?}, which is not there")]
    Unknown(String),
    /// A credential with characters that no header may hold.
    #[error(
        "the credential of the upstream {0:?} holds characters that no header may hold, such as a line end"
    )]
    Credential(String),
    /// The system's certificates cannot be read.
    #[error("the system's root certificates cannot be read: {0}")]
    Roots(#[source] std::io::Error),
}

impl Upstream {
    /// The upstream of this name at this URL. A path in it goes before the path of every request, but `/v1` at its end
    /// is not doubled: `https://api.openai.com` and `https://api.openai.com/v1` are the same upstream.
    ///
    /// # Errors
    ///
    /// If it is not a URL of the form `https://host[:port][/path]`, or `http://…`.
    pub fn new(name: &str, url: &str) -> Result<Self, UpstreamError> {
        let wrong = || UpstreamError::Url {
            name: name.to_owned(),
            url: url.to_owned(),
        };
        let parsed: Uri = url.parse().map_err(|_: InvalidUri| wrong())?;
        let parts = parsed.into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return Err(wrong());
        };
        let path = parts
            .path_and_query
            .unwrap_or(PathAndQuery::from_static("/"));
        let web = scheme == Scheme::HTTP || scheme == Scheme::HTTPS;
        // A password in a URL ends up in logs; there is a place for credentials.
        if !web
            || path.query().is_some()
            || authority.as_str().contains('@')
            || authority.host().is_empty()
        {
            return Err(wrong());
        }
        let base = path.path().trim_end_matches('/');
        let base = base.strip_suffix("/v1").unwrap_or(base).to_owned();
        let dialects = Dialect::ALL.to_vec();
        Ok(Self {
            name: name.into(),
            scheme,
            authority,
            base,
            dialects,
            credential: None,
            http2: false,
        })
    }

    /// Which dialects it speaks; all unless told otherwise.
    #[must_use]
    pub fn with_dialects(mut self, dialects: impl IntoIterator<Item = Dialect>) -> Self {
        self.dialects = dialects.into_iter().collect();
        self
    }

    /// What to put on for callers with a key of ours. Others keep what they sent.
    #[must_use]
    pub fn with_credential(mut self, credential: Credential) -> Self {
        self.credential = Some(credential);
        self
    }

    /// Speaks HTTP/2 with it: agreed in the handshake over TLS, without asking over plain TCP.
    #[must_use]
    pub fn with_http2(mut self, http2: bool) -> Self {
        self.http2 = http2;
        self
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn is_tls(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }

    /// Where a request goes, its target spelt as it came.
    pub(super) fn target(&self, requested: &Uri) -> Result<Uri, http::Error> {
        let path = requested
            .path_and_query()
            .cloned()
            .unwrap_or(PathAndQuery::from_static("/"));
        let path = if self.base.is_empty() {
            path
        } else {
            format!("{}{path}", self.base)
                .parse()
                .map_err(http::Error::from)?
        };
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(path);
        Ok(Uri::from_parts(parts)?)
    }
}

/// Shows where it is.
impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} at {}://{}{}",
            self.name, self.scheme, self.authority, self.base
        )
    }
}

/// Models, and the upstreams that serve them, by place, in the order in which they are tried.
#[derive(Clone, Debug)]
pub(super) struct Route {
    pub(super) models: Vec<ModelPattern>,
    pub(super) upstreams: Vec<usize>,
}

/// All upstreams and routes.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) upstreams: Vec<Upstream>,
    pub(super) routes: Vec<Route>,
}

impl Table {
    /// The one upstream of this name, if it speaks the dialect.
    pub(super) fn named(&self, dialect: Dialect, name: &str) -> Vec<&Upstream> {
        let is_it =
            |upstream: &&Upstream| *upstream.name == *name && upstream.dialects.contains(&dialect);
        self.upstreams.iter().find(is_it).into_iter().collect()
    }

    /// The upstreams to try for a request of this dialect and model: those of the first route that has any, or the first
    /// that speaks the dialect. A request goes to several, and its client's credential with it, only where a route says
    /// so.
    pub(super) fn candidates(&self, dialect: Dialect, model: Option<&str>) -> Vec<&Upstream> {
        let speaks = |upstream: &&Upstream| upstream.dialects.contains(&dialect);
        let routes = self
            .routes
            .iter()
            .filter(|route| route.models.iter().any(|pattern| pattern.matches(model)));
        routes
            .map(|route| {
                let named = route
                    .upstreams
                    .iter()
                    .filter_map(|place| self.upstreams.get(*place));
                named.filter(speaks).collect::<Vec<_>>()
            })
            .find(|named| !named.is_empty())
            .unwrap_or_else(|| self.upstreams.iter().find(speaks).into_iter().collect())
    }
}
