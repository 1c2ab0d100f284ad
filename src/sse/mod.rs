//! Server-sent events: bytes in, events out. No IO, and not a byte changed.
//!
//! [`Framer`] cuts a stream at event boundaries, wherever the network cut it: each frame it answers is one event, blank
//! line included, and all frames together are the bytes that came. [`Fields`] reads what a frame says. Both follow the
//! [HTML standard](https://html.spec.whatwg.org/multipage/server-sent-events.html): lines end in LF, CR or CRLF, a byte
//! order mark may open the stream, `data` may stand in several lines, lines that start with a colon are comments.
//!
//! One thing differs on purpose: an event that the stream's end leaves without its blank line is still answered. The
//! standard drops it, but clients exist that act on it, so whoever judges events must see it.
//!
//! ```
//! use luthien_core::sse::{Fields, Framer};
//!
//! let mut framer = Framer::new(1024);
//! framer.push("event: ping\r\ndata: {\"type\":".into());
//! assert_eq!(framer.next_frame()?, None);
//! framer.push("\"ping\"}\r\n\r\ndata: [DONE]".into());
//! let frame = framer.next_frame()?.unwrap();
//! let fields = Fields::read(&frame, true);
//! assert_eq!(fields.event(), Some(&b"ping"[..]));
//! assert_eq!(fields.data().unwrap(), r#"{"type":"ping"}"#);
//!
//! assert_eq!(framer.next_frame()?, None);
//! assert_eq!(framer.finish().unwrap(), "data: [DONE]");
//! # Ok::<(), luthien_core::sse::EventTooLong>(())
//! ```

mod edit;
mod fields;
mod framer;
#[cfg(test)]
mod tests;

pub(crate) use edit::with_data;
pub use fields::Fields;
pub use framer::{EventTooLong, Framer};
