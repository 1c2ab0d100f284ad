//! What is in the record already.

use std::collections::{HashMap, HashSet};

use luthien::record::store::{AnyStore, Store, StoreError};

use super::{CLIENT, claude_code::Exchange};

/// So much later than the end of an exchange its last line may be written.
const LATER: i64 = 5_000_000;

/// What is in the record already.
#[derive(Default)]
pub(super) struct Recorded {
    sessions: HashMap<String, Vec<Live>>,
    known: HashSet<String>,
}

/// An exchange that went through a sidecar.
struct Live {
    from: i64,
    to: i64,
    input: Option<i64>,
}

impl Recorded {
    /// Whether an exchange of this name is there.
    pub(super) async fn is_known(&self, store: &AnyStore, id: &str) -> Result<bool, StoreError> {
        Ok(self.known.contains(id) || store.transaction(id).await?.is_some())
    }

    /// From now on it is.
    pub(super) fn added(&mut self, id: &str) {
        self.known.insert(id.to_owned());
    }

    /// Whether this exchange went through a sidecar, which has recorded it under a name of its own: in the same session, at the
    /// time, with as many tokens.
    pub(super) async fn is_one(
        &mut self,
        store: &AnyStore,
        exchange: &Exchange<'_>,
    ) -> Result<bool, StoreError> {
        let Some(session) = exchange.session else {
            return Ok(false);
        };
        if !self.sessions.contains_key(session) {
            let live = self.load(store, session).await?;
            self.sessions.insert(session.to_owned(), live);
        }
        let input = exchange.usage.and_then(|usage| usage.input);
        let input = input.and_then(|input| i64::try_from(input).ok());
        let live = self.sessions.get(session).map(Vec::as_slice);
        Ok(live.unwrap_or_default().iter().any(|live| {
            let is_then = (live.from..=live.to.saturating_add(LATER)).contains(&exchange.at);
            is_then && live.input == input
        }))
    }

    /// Looks up what there is of a session.
    async fn load(&mut self, store: &AnyStore, session: &str) -> Result<Vec<Live>, StoreError> {
        let (mut live, mut cursor) = (Vec::new(), None);
        loop {
            let page = store.transactions(session, cursor, 500).await?;
            for row in page.items {
                let client = row.client.as_deref().unwrap_or_default();
                if client.starts_with(CLIENT) {
                    self.known.insert(row.transaction_id);
                } else if let (Some(from), Some(to)) = (row.started_at, row.ended_at) {
                    live.push(Live {
                        from,
                        to,
                        input: row.input_tokens,
                    });
                }
            }
            cursor = page.next;
            if cursor.is_none() {
                return Ok(live);
            }
        }
    }
}
