//! Which placeholder stands for which secret: in memory only, for each conversation alone, and bounded.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use aho_corasick::{AhoCorasick, Input};
use luthien_core::{BoxError, decision::Exchange};
use moka::sync::Cache;
use secrecy::{ExposeSecret, SecretString};

use super::placeholder::Key;

/// The most conversations, and for how long a quiet one is remembered.
const SESSIONS: u64 = 1_000;
const QUIET: Duration = Duration::from_secs(24 * 60 * 60);
/// The most secrets of one conversation, and how long all of them together may be.
const SECRETS: usize = 256;
const BYTES: usize = 256 * 1_024;
/// What is shorter would be found in words that have nothing to do with it.
pub(super) const SHORTEST: usize = 8;

pub(super) struct Store {
    key: Key,
    sessions: Cache<(Arc<str>, Arc<str>), Arc<Session>>,
}

impl Store {
    pub(super) fn new() -> Result<Self, BoxError> {
        Ok(Self {
            key: Key::random()?,
            sessions: Cache::builder()
                .max_capacity(SESSIONS)
                .time_to_idle(QUIET)
                .build(),
        })
    }

    /// What is remembered of the conversation to which an exchange belongs. What has no name is its caller's.
    pub(super) fn open(&self, exchange: &Exchange) -> Arc<Session> {
        let caller = exchange.caller.as_ref().map_or("", |caller| caller.id());
        let session = exchange.session.as_ref().map_or("", |session| &*session.0);
        let key: (Arc<str>, Arc<str>) = (caller.into(), session.into());
        self.sessions.get_with(key.clone(), || {
            Arc::new(Session {
                name: key,
                held: Mutex::default(),
            })
        })
    }

    /// The placeholder of a secret in a conversation, which remembers it; or, as the second, one that stands for nothing,
    /// because no more fits.
    pub(super) fn put(&self, session: &Session, class: &str, secret: &str) -> Result<String, Full> {
        let (caller, name) = &session.name;
        let mut held = session.held();
        for attempt in 0..=u8::MAX {
            let made = self
                .key
                .placeholder(&[caller, name], class, secret, attempt);
            let Some(placeholder) = made else {
                break;
            };
            match held.secrets.get(placeholder.as_str()) {
                Some(other) if other.expose_secret() == secret => return Ok(placeholder),
                Some(_) => {}
                None if held.secrets.len() >= SECRETS || held.bytes + secret.len() > BYTES => {
                    return Err(Full(placeholder));
                }
                None => {
                    held.bytes += secret.len();
                    held.search = None;
                    let secret = SecretString::from(secret);
                    held.secrets.insert(placeholder.as_str().into(), secret);
                    return Ok(placeholder);
                }
            }
        }
        // Two secrets of 256 would have to meet 256 times.
        Err(Full(format!("luthien_secret_{class}")))
    }
}

/// No more secrets fit: this stands in its place, and nobody can make it one again.
pub(super) struct Full(pub(super) String);

/// One conversation's secrets.
pub(super) struct Session {
    name: (Arc<str>, Arc<str>),
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    /// By placeholder.
    secrets: HashMap<Box<str>, SecretString>,
    bytes: usize,
    search: Option<Arc<Search>>,
}

/// Finds all secrets of a conversation at once: by how they begin, so that no automaton holds one whole, which nobody would
/// overwrite.
pub(super) struct Search {
    begins: AhoCorasick,
    /// Those that begin in each of the ways, the longest first, and what stands in their place.
    held: Vec<Vec<(SecretString, Box<str>)>>,
}

/// So many bytes are the beginning of a secret.
const BEGINNING: usize = 4;

impl Session {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The secret behind a placeholder.
    pub(super) fn secret(&self, placeholder: &str) -> Option<SecretString> {
        self.held().secrets.get(placeholder).cloned()
    }

    /// A search for all that is held by now; `None` if nothing is, or it cannot be searched for.
    pub(super) fn search(&self) -> Option<Arc<Search>> {
        let mut held = self.held();
        if held.search.is_none() && !held.secrets.is_empty() {
            held.search = Some(Arc::new(Search::new(&held.secrets)?));
        }
        held.search.clone()
    }
}

impl Search {
    fn new(secrets: &HashMap<Box<str>, SecretString>) -> Option<Self> {
        let mut ways: HashMap<&[u8], Vec<(SecretString, Box<str>)>> = HashMap::new();
        for (placeholder, secret) in secrets {
            let begins = secret.expose_secret().as_bytes().get(..BEGINNING)?;
            let way = ways.entry(begins).or_default();
            way.push((secret.clone(), placeholder.clone()));
        }
        let (begins, mut held): (Vec<_>, Vec<_>) = ways.into_iter().unzip();
        for way in &mut held {
            way.sort_by_key(|(secret, _)| std::cmp::Reverse(secret.expose_secret().len()));
        }
        let begins = AhoCorasick::new(begins).ok()?;
        Some(Self { begins, held })
    }

    /// A text with placeholders for all secrets in it; `None` if there are none.
    pub(super) fn hide(&self, text: &str) -> Option<String> {
        let mut hidden = String::new();
        // What is written, and from where on is searched.
        let (mut done, mut at) = (0, 0);
        while let Some(hit) = self.begins.find(Input::new(text).range(at..)) {
            let way = self.held.get(hit.pattern().as_usize())?;
            let rest = text.as_bytes().get(hit.start()..)?;
            let found = way
                .iter()
                .find(|(secret, _)| rest.starts_with(secret.expose_secret().as_bytes()));
            let Some((secret, placeholder)) = found else {
                at = hit.start() + 1;
                continue;
            };
            hidden.push_str(text.get(done..hit.start())?);
            hidden.push_str(placeholder);
            done = hit.start() + secret.expose_secret().len();
            at = done;
        }
        if done == 0 {
            return None;
        }
        hidden.push_str(text.get(done..)?);
        Some(hidden)
    }
}

/// How many there are, and nothing of them.
impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("sessions", &self.sessions.entry_count())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use luthien_core::{Dialect, facts::SessionId};

    use super::*;

    fn exchange(session: &str) -> Exchange {
        Exchange {
            id: None,
            dialect: Dialect::Chat,
            path: "/".into(),
            model: None,
            caller: None,
            user: None,
            session: Some(SessionId(session.into())),
            purpose: None,
        }
    }

    #[test]
    fn a_conversation_knows_its_own_secrets_alone_and_no_more_than_fit() {
        let store = Store::new().unwrap();
        let (one, other) = (store.open(&exchange("one")), store.open(&exchange("other")));
        let put = |session: &Session, secret: &str| match store.put(session, "known", secret) {
            Ok(placeholder) => (placeholder, true),
            Err(Full(placeholder)) => (placeholder, false),
        };
        let (placeholder, fits) = put(&one, "correct horse");
        assert!(fits);
        assert_eq!(put(&one, "correct horse"), (placeholder.clone(), true));
        assert_eq!(
            one.secret(&placeholder).unwrap().expose_secret(),
            "correct horse"
        );
        assert!(other.secret(&placeholder).is_none());
        let hidden = one
            .search()
            .unwrap()
            .hide("a correct horse, correct horse")
            .unwrap();
        assert_eq!(hidden, format!("a {placeholder}, {placeholder}"));
        assert!(other.search().is_none());
        let (longer, _) = put(&one, "correct horses");
        let hidden = one
            .search()
            .unwrap()
            .hide("corr correct horses correct hors correct horse");
        assert_eq!(
            hidden.unwrap(),
            format!("corr {longer} correct hors {placeholder}")
        );
        assert_eq!(one.search().unwrap().hide("nothing is correct"), None);

        for number in 2..SECRETS {
            assert!(put(&one, &format!("secret {number}")).1);
        }
        let (placeholder, fits) = put(&one, "one too many");
        assert!(!fits && one.secret(&placeholder).is_none());
        assert!(!put(&other, &"x".repeat(BYTES + 1)).1);
        assert!(!format!("{store:?}").contains("horse"));
    }
}
