//! JSON as it came: checked once, read by span, edited by span.
//!
//! A body that is parsed into a tree and written out again is another body: big numbers lose digits, escapes change,
//! a key that stood twice stands once. So nothing here builds a tree. [`Document::parse`] walks the bytes once and
//! proves that every reader must understand them alike; [`Json`] then points into them; [`Edits`] replaces single
//! spans and leaves every other byte where it was.
//!
//! What two readers could understand differently is refused, see [`JsonErrorKind`]: a key that stands twice in one
//! object (also when spelt `"t\u006fols"`), a lone surrogate, invalid UTF-8, a byte order mark, data after the end.
//! Numbers are never converted unless asked for, so `1E400` and 23-digit integers survive.
//!
//! ```
//! use luthien_core::json::{Document, Limits};
//!
//! let document = Document::parse(r#"{"model": "m", "n": 12345678901234567890123}"#.into(), &Limits::default())?;
//! let root = document.root();
//! assert!(root.get("model").is_some_and(|model| model.is_str("m")));
//! assert_eq!(root.get("n").map(|n| n.text()), Some(&b"12345678901234567890123"[..]));
//!
//! let twice = Document::parse(r#"{"tools": 1, "t\u006fols": 2}"#.into(), &Limits::default());
//! assert_eq!(twice.unwrap_err().to_string(), r#"duplicate key "tools" at byte 13"#);
//! # Ok::<(), luthien_core::json::JsonError>(())
//! ```

mod edit;
mod error;
mod keys;
mod scan;
mod string;
#[cfg(test)]
mod tests;
mod view;

pub use edit::{Edits, quote};
pub use error::{JsonError, JsonErrorKind};
pub(crate) use string::string_length;
pub use string::{JsonStr, JsonString};
pub use view::{Document, Items, Json, Kind, Members};

/// How deep and how wide a document may be. What exceeds it is refused, never cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Objects and arrays inside each other; 128 unless told otherwise.
    pub depth: usize,
    /// Values in the whole document, keys not counted; 1,000,000 unless told otherwise. Bounds the memory of the view.
    pub values: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth: 128,
            values: 1_000_000,
        }
    }
}
