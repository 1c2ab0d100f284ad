//! Pointing into a document that was checked.

use std::{fmt, ops::Range};

use bytes::Bytes;

use super::{
    JsonError, JsonStr, Limits,
    scan::{self, Node, Scanned},
    string,
};

/// A checked document: its bytes as they came, and a table of where its upper levels are.
pub struct Document {
    bytes: Bytes,
    nodes: Vec<Node>,
    /// See [`odd_keys`](Self::odd_keys).
    odd: Vec<Node>,
}

impl Document {
    /// Walks `bytes` once. Takes time and memory linear in their length; keeps them, copies nothing.
    ///
    /// # Errors
    ///
    /// If `bytes` are not one JSON value that every reader understands alike, or exceed `limits`.
    pub fn parse(bytes: Bytes, limits: &Limits) -> Result<Self, JsonError> {
        let Scanned { nodes, odd } = scan::scan(&bytes, limits, true)?;
        Ok(Self { bytes, nodes, odd })
    }

    /// As [`parse`](Self::parse), but a key may stand twice: for who counts, and judges nothing. Costs about half.
    pub(crate) fn glance(bytes: Bytes) -> Result<Self, JsonError> {
        let Scanned { nodes, odd } = scan::scan(&bytes, &Limits::default(), false)?;
        Ok(Self { bytes, nodes, odd })
    }

    /// The keys of the upper levels, wherever they stand, that are not all lower-case ASCII without an escape.
    pub(crate) fn odd_keys(&self) -> impl Iterator<Item = JsonStr<'_>> {
        self.odd.iter().filter_map(|key| {
            let raw = self
                .bytes
                .get(key.start as usize + 1..key.end as usize - 1)?;
            Some(JsonStr::new(raw, key.flag))
        })
    }

    /// The bytes as they came.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The one value of the document.
    pub fn root(&self) -> Json<'_> {
        let (node, inside) = match self.nodes.split_first() {
            Some((node, inside)) => (*node, inside),
            // Cannot be: `scan` notes the root of what it accepts.
            None => (
                Node {
                    start: 0,
                    end: 0,
                    inside: 0,
                    flag: false,
                },
                &[][..],
            ),
        };
        Json {
            document: &self.bytes,
            node,
            inside,
        }
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document")
            .field("len", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of RFC 8259")]
pub enum Kind {
    Object,
    Array,
    String,
    Number,
    Bool,
    Null,
}

/// A value in a [`Document`]. Copying it copies a few words.
///
/// Asking for what a value is not (the members of a string, the number in an array) answers `None` or nothing.
#[derive(Clone, Copy)]
pub struct Json<'a> {
    document: &'a [u8],
    node: Node,
    inside: &'a [Node],
}

impl<'a> Json<'a> {
    /// What this value is.
    pub fn kind(&self) -> Kind {
        match self.text().first() {
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::Array,
            Some(b'"') => Kind::String,
            Some(b't' | b'f') => Kind::Bool,
            Some(b'n') => Kind::Null,
            _ => Kind::Number,
        }
    }

    /// The bytes of this value as they stand in the document.
    pub fn text(&self) -> &'a [u8] {
        self.document.get(self.span()).unwrap_or_default()
    }

    /// Where this value stands in the document.
    pub fn span(&self) -> Range<usize> {
        self.node.start as usize..self.node.end as usize
    }

    /// The string, if this is one.
    pub fn as_str(&self) -> Option<JsonStr<'a>> {
        match self.text() {
            [b'"', raw @ .., b'"'] => Some(JsonStr::new(raw, self.node.flag)),
            _ => None,
        }
    }

    /// Whether this is a string that says `other`.
    pub fn is_str(&self, other: &str) -> bool {
        self.as_str().is_some_and(|text| text.is(other))
    }

    /// The whole number, if this is one that fits. `1.0` and `1e3` are not: readers differ about them.
    pub fn as_u64(&self) -> Option<u64> {
        std::str::from_utf8(self.text()).ok()?.parse().ok()
    }

    /// The truth value, if this is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self.text() {
            b"true" => Some(true),
            b"false" => Some(false),
            _ => None,
        }
    }

    /// Whether this is `null`.
    pub fn is_null(&self) -> bool {
        self.text() == b"null"
    }

    /// Whether nothing is in it: `null`, or an array, an object or a string without anything.
    pub(crate) fn is_empty(&self) -> bool {
        match self.kind() {
            Kind::Null => true,
            Kind::String => self.text() == b"\"\"",
            Kind::Array => self.items().next().is_none(),
            Kind::Object => self.members().next().is_none(),
            Kind::Number | Kind::Bool => false,
        }
    }

    /// The value of the member `name`, if this is an object that has it.
    pub fn get(&self, name: &str) -> Option<Json<'a>> {
        if self.node.flag || self.kind() != Kind::Object {
            return self
                .members()
                .find(|(key, _)| key.is(name))
                .map(|(_, value)| value);
        }
        // What `members` would do, without making what is not asked for.
        let mut nodes = self.inside;
        while let [key, value, rest @ ..] = nodes {
            let (inside, rest) = rest.split_at_checked(value.inside as usize)?;
            let raw = self
                .document
                .get(key.start as usize + 1..key.end as usize - 1)?;
            if raw == name.as_bytes() || (key.flag && JsonStr::new(raw, true).is(name)) {
                return Some(Json {
                    document: self.document,
                    node: *value,
                    inside,
                });
            }
            nodes = rest;
        }
        None
    }

    /// The members, if this is an object, in the order of the text.
    pub fn members(&self) -> Members<'a> {
        Members(self.below(Kind::Object))
    }

    /// As [`members`](Self::members), for who needs to know where the keys stand.
    pub(super) fn entries(&self) -> impl Iterator<Item = (Json<'a>, Json<'a>)> + use<'a> {
        let mut below = self.below(Kind::Object);
        std::iter::from_fn(move || Some((below.next()?, below.next()?)))
    }

    /// The elements, if this is an array.
    pub fn items(&self) -> Items<'a> {
        Items(self.below(Kind::Array))
    }

    /// What is inside this value, provided that it is of this kind.
    fn below(&self, kind: Kind) -> Below<'a> {
        let found = if self.kind() != kind {
            Place::Noted(&[])
        } else if self.node.flag {
            Place::Walk(self.node.start as usize + 1)
        } else {
            Place::Noted(self.inside)
        };
        Below {
            document: self.document,
            place: found,
        }
    }
}

impl fmt::Debug for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(self.text()))
    }
}

/// The members of an object, see [`Json::members`].
#[derive(Clone)]
pub struct Members<'a>(Below<'a>);

impl<'a> Iterator for Members<'a> {
    type Item = (JsonStr<'a>, Json<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let key = self.0.next()?.as_str()?;
        Some((key, self.0.next()?))
    }
}

/// The elements of an array, see [`Json::items`].
#[derive(Clone)]
pub struct Items<'a>(Below<'a>);

impl<'a> Iterator for Items<'a> {
    type Item = Json<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }
}

/// The values (and keys) directly inside a container.
#[derive(Clone)]
struct Below<'a> {
    document: &'a [u8],
    place: Place<'a>,
}

#[derive(Clone)]
enum Place<'a> {
    /// The rows not yet read.
    Noted(&'a [Node]),
    /// Too deep for the table: from this offset on, walk.
    Walk(usize),
}

impl<'a> Iterator for Below<'a> {
    type Item = Json<'a>;

    fn next(&mut self) -> Option<Json<'a>> {
        let document = self.document;
        match &mut self.place {
            Place::Noted(nodes) => {
                let (node, rest) = nodes.split_first()?;
                let (inside, rest) = rest.split_at_checked(node.inside as usize)?;
                *nodes = rest;
                Some(Json {
                    document,
                    node: *node,
                    inside,
                })
            }
            Place::Walk(at) => {
                let start = *at
                    + document
                        .get(*at..)?
                        .iter()
                        .position(|byte| !b" \n\r\t,:".contains(byte))?;
                let (end, flag) = skip(document, start)?;
                *at = end;
                let node = Node {
                    start: start.try_into().ok()?,
                    end: end.try_into().ok()?,
                    inside: 0,
                    flag,
                };
                Some(Json {
                    document,
                    node,
                    inside: &[],
                })
            }
        }
    }
}

/// Where the value that starts at `start` ends, and its flag (see [`Node::flag`]). `None` at a closing bracket.
/// Trusts the document.
fn skip(document: &[u8], start: usize) -> Option<(usize, bool)> {
    match document.get(start)? {
        b'"' => {
            let (end, escaped) = string::end(document, start + 1).ok()?;
            Some((end + 1, escaped))
        }
        b'{' | b'[' => {
            let mut depth = 0_usize;
            let mut at = start;
            loop {
                match document.get(at)? {
                    b'"' => at = string::end(document, at + 1).ok()?.0,
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => depth -= 1,
                    _ => {}
                }
                at += 1;
                if depth == 0 {
                    return Some((at, true));
                }
            }
        }
        b'}' | b']' => None,
        _ => {
            let rest = document.get(start..)?;
            let length = rest.iter().position(|byte| b" \n\r\t,]}".contains(byte));
            Some((start + length.unwrap_or(rest.len()), false))
        }
    }
}
