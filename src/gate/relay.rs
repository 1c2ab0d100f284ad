use http::Method;

use crate::Dialect;

/// Which requests that are no LLM calls may pass, unread.
///
/// Other paths may carry a conversation to a model all the same (batches, a trailing slash, an odd spelling), around
/// every layer that stands here. So in front of a provider this is a list: [`Relay::only`].
///
/// ```
/// use luthien_core::gate::Relay;
/// use http::Method;
///
/// let relay = Relay::only(["GET /v1/models", "GET /v1/models/*"])?;
/// assert!(relay.allows(&Method::GET, "/v1/models/claude-opus-5-5"));
/// assert!(!relay.allows(&Method::GET, "/v1/models/"));
/// assert!(!relay.allows(&Method::GET, "/v1/models/a%2Fb"));
/// assert!(!relay.allows(&Method::POST, "/v1/models"));
/// # Ok::<(), luthien_core::gate::RelayError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Relay(Option<Vec<Pattern>>);

#[derive(Clone, Debug)]
struct Pattern {
    method: Method,
    path: Box<str>,
}

/// A pattern that allows nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RelayError {
    /// Not a method, a space and a path.
    #[error("{0:?} is not a method and a path, as in \"GET /v1/models\"")]
    NotAPattern(String),
    /// An LLM call, which is always read.
    #[error("{0:?} is an LLM call: it is always read, and needs not be relayed")]
    IsACall(String),
}

impl Relay {
    /// Everything may pass that asks for something; see [`allows`](Self::allows).
    pub fn open() -> Self {
        Self(None)
    }

    /// Only what is listed: a method and a path as in `GET /v1/models`, where `*` stands for one segment of letters,
    /// digits, `-`, `_`, `.`, `:`, `@` and `~`. Everything else must be spelt exactly so.
    ///
    /// # Errors
    ///
    /// If a pattern is not of that form, or names an LLM call.
    pub fn only<I>(patterns: I) -> Result<Self, RelayError>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let patterns = patterns
            .into_iter()
            .map(|pattern| Pattern::parse(pattern.as_ref()));
        Ok(Self(Some(patterns.collect::<Result<_, _>>()?)))
    }

    /// Whether this request may pass. Never does one that is no request for something: a tunnel (`CONNECT`), an echo
    /// (`TRACE`, which would show the client the provider's credential), a target without a path.
    pub fn allows(&self, method: &Method, path: &str) -> bool {
        if matches!(*method, Method::CONNECT | Method::TRACE) || !path.starts_with('/') {
            return false;
        }
        match &self.0 {
            None => true,
            Some(patterns) => patterns.iter().any(|pattern| pattern.matches(method, path)),
        }
    }
}

impl Pattern {
    fn parse(text: &str) -> Result<Self, RelayError> {
        let not_a_pattern = || RelayError::NotAPattern(text.to_owned());
        let (method, path) = text.split_once(' ').ok_or_else(not_a_pattern)?;
        let known = method.bytes().all(|byte| byte.is_ascii_uppercase());
        let method = Method::from_bytes(method.as_bytes())
            .ok()
            .filter(|_| known)
            .ok_or_else(not_a_pattern)?;
        let path = path.trim();
        if !path.starts_with('/') || path.contains([' ', '?', '#']) {
            return Err(not_a_pattern());
        }
        if Dialect::of_call(&method, path).is_some() {
            return Err(RelayError::IsACall(text.to_owned()));
        }
        Ok(Self {
            method,
            path: path.into(),
        })
    }

    fn matches(&self, method: &Method, path: &str) -> bool {
        let mut wanted = self.path.split('/');
        let mut found = path.split('/');
        self.method == *method
            && loop {
                match (wanted.next(), found.next()) {
                    (None, None) => break true,
                    (Some("*"), Some(segment)) if is_plain(segment) => {}
                    (Some(wanted), Some(found)) if wanted == found => {}
                    _ => break false,
                }
            }
    }
}

fn is_plain(segment: &str) -> bool {
    !matches!(segment, "" | "." | "..")
        && segment
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.:@~".contains(&byte))
}
