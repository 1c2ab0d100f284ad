//! What providers say, and what clients ask, in small.

use bytes::Bytes;
pub use luthien_core::{
    Dialect,
    testing::{cut, recorded, request},
};

/// A request of this dialect, ready for the wire.
pub fn asked(dialect: Dialect, stream: bool) -> Vec<u8> {
    super::client::post(
        dialect.path(),
        "x-api-key: sk-test\r\n",
        &request(dialect, stream),
    )
}

/// The events of a recorded reply.
pub fn events(dialect: Dialect) -> Vec<Bytes> {
    let mut rest = recorded(dialect, true);
    let mut events = Vec::new();
    while let Some(at) = memchr::memmem::find(&rest, b"\n\n") {
        events.push(rest.split_to(at + 2));
    }
    assert!(rest.is_empty());
    events
}
