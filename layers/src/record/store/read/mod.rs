//! What the record answers.

mod bytes;
mod coverage;
mod cursor;
mod search;
mod sessions;
mod spoken;
mod transactions;
mod transcript;

pub use coverage::{CoverageReport, ExchangeFilter, KindCoverage, PolicyCoverage, ToolCoverage};
pub use cursor::{Cursor, NotACursor, Page};
pub use search::Hit;
pub use sessions::SessionFilter;
pub use transactions::{Call, EventText, Exchange};
pub use transcript::{From, Said, Turn};

pub(super) use bytes::{reply, request};
pub(super) use coverage::coverage;
pub(super) use search::search;
pub(super) use sessions::{find, session, sessions};
pub(super) use transactions::{payload, transaction, transactions};
pub(super) use transcript::transcript;

/// Which side of the policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// What the client sent and got.
    Client,
    /// What the provider got and sent.
    Provider,
}
