use std::fmt;

/// Why a text is no JSON that every reader understands alike, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonError(Box<Inner>);

/// Boxed, so that functions which nearly always succeed answer in a register.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Inner {
    kind: JsonErrorKind,
    at: usize,
}

impl JsonError {
    pub(super) fn new(kind: JsonErrorKind, at: usize) -> Self {
        Self(Box::new(Inner { kind, at }))
    }

    /// What is wrong.
    pub fn kind(&self) -> &JsonErrorKind {
        &self.0.kind
    }

    /// The byte at which it was noticed, counted from 0.
    pub fn at(&self) -> usize {
        self.0.at
    }

    /// Whether the text is well-formed JSON, yet readers would disagree about what it says.
    pub fn is_ambiguous(&self) -> bool {
        matches!(
            self.0.kind,
            JsonErrorKind::DuplicateKey(_) | JsonErrorKind::LoneSurrogate
        )
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.0.kind, self.0.at)
    }
}

impl std::error::Error for JsonError {}

/// The ways in which a text is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JsonErrorKind {
    /// Not JSON (RFC 8259): what was expected instead.
    Syntax(&'static str),
    /// The text ends inside a value.
    UnexpectedEnd,
    /// Something other than white space follows the value.
    TrailingData,
    /// The text starts with a byte order mark, which some readers skip and others refuse.
    ByteOrderMark,
    /// Not UTF-8.
    InvalidUtf8,
    /// `\ud800` without its other half: some readers refuse it, others make a string of it.
    LoneSurrogate,
    /// A key, decoded, that stands twice in one object: some readers take the first, others the last.
    DuplicateKey(String),
    /// More objects and arrays inside each other than [`Limits::depth`](super::Limits::depth).
    TooDeep(usize),
    /// More values than [`Limits::values`](super::Limits::values).
    TooManyValues(usize),
    /// More than 4 GiB.
    TooLong,
}

impl fmt::Display for JsonErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(expected) => write!(f, "invalid JSON: expected {expected}"),
            Self::UnexpectedEnd => f.write_str("invalid JSON: unexpected end"),
            Self::TrailingData => f.write_str("invalid JSON: data after the value"),
            Self::ByteOrderMark => f.write_str("invalid JSON: byte order mark"),
            Self::InvalidUtf8 => f.write_str("invalid UTF-8"),
            Self::LoneSurrogate => f.write_str("lone surrogate in a string"),
            // `{:?}` escapes what a terminal or a log would obey.
            Self::DuplicateKey(key) => write!(f, "duplicate key {key:?}"),
            Self::TooDeep(limit) => write!(f, "nesting deeper than {limit} levels"),
            Self::TooManyValues(limit) => write!(f, "more than {limit} values"),
            Self::TooLong => f.write_str("longer than 4 GiB"),
        }
    }
}
