//! The one walk over a document: proves it sound and notes where its upper levels are.

use super::{
    JsonError, JsonErrorKind, JsonStr, Limits,
    keys::{Key, Keys, Level},
    string::Strings,
};

/// Values this deep or less are noted; what lies deeper is found by walking again, when somebody looks. Five levels
/// reach the fields of a content block: root, `messages`, message, `content`, block, field.
const NOTED: usize = 5;

/// Odd keys are noted this deep: a call inside `tool_calls` inside a message; a list of sources inside a block inside a
/// result inside a message.
const ODD_NOTED: usize = 9;

/// A value or key of the upper levels: a row of the table that [`scan`] makes. Rows stand in the order of the text;
/// in an object, each value follows its key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    pub(super) start: u32,
    pub(super) end: u32,
    /// How many rows that follow lie inside this value.
    pub(super) inside: u32,
    /// For a string or key, whether it holds an escape; for an object or array, whether its inside was not noted.
    pub(super) flag: bool,
}

/// What a walk brings home.
pub(super) struct Scanned {
    pub(super) nodes: Vec<Node>,
    /// Keys that are not all lower-case ASCII without an escape, from somewhat deeper than the rows.
    pub(super) odd: Vec<Node>,
}

/// `distinct` looks for keys that stand twice in an object, and for odd ones: what a reader needs who judges.
pub(super) fn scan(text: &[u8], limits: &Limits, distinct: bool) -> Result<Scanned, JsonError> {
    if u32::try_from(text.len()).is_err() {
        return Err(JsonError::new(JsonErrorKind::TooLong, 0));
    }
    if text.starts_with(b"\xEF\xBB\xBF")
        || text.starts_with(b"\xFF\xFE")
        || text.starts_with(b"\xFE\xFF")
    {
        return Err(JsonError::new(JsonErrorKind::ByteOrderMark, 0));
    }
    if let Err(error) = std::str::from_utf8(text) {
        return Err(JsonError::new(
            JsonErrorKind::InvalidUtf8,
            error.valid_up_to(),
        ));
    }
    // Small documents consist of small values, large ones of long texts.
    let (few, many) = ((text.len() / 12).min(128), (text.len() / 64).min(4096));
    Scanner {
        text,
        strings: Strings::new(text),
        at: 0,
        nodes: Vec::with_capacity(few.max(many)),
        odd: Vec::new(),
        open: Vec::with_capacity(8),
        keys: Keys::new(distinct),
        distinct,
        values: 0,
        limits,
    }
    .run()
}

struct Scanner<'a> {
    text: &'a [u8],
    strings: Strings<'a>,
    at: usize,
    nodes: Vec<Node>,
    odd: Vec<Node>,
    open: Vec<Container>,
    keys: Keys<'a>,
    distinct: bool,
    values: usize,
    limits: &'a Limits,
}

struct Container {
    /// Its row, if it has one.
    node: Option<usize>,
    /// `None` in an array.
    keys: Option<Level>,
}

impl Scanner<'_> {
    fn run(mut self) -> Result<Scanned, JsonError> {
        self.skip_space();
        loop {
            let opened = self.value()?;
            if opened && self.first_element()? {
                continue;
            }
            // One or several values ended here.
            loop {
                let Some(container) = self.open.last() else {
                    self.skip_space();
                    return match self.peek() {
                        None => Ok(Scanned {
                            nodes: self.nodes,
                            odd: self.odd,
                        }),
                        Some(_) => Err(self.error(JsonErrorKind::TrailingData)),
                    };
                };
                let object = container.keys.is_some();
                self.skip_space();
                match self.peek() {
                    Some(b',') => {
                        self.at += 1;
                        self.skip_space();
                        if object {
                            self.key()?;
                        }
                        break;
                    }
                    Some(b'}') if object => self.close(),
                    Some(b']') if !object => self.close(),
                    Some(_) if object => return Err(self.syntax("',' or '}'")),
                    Some(_) => return Err(self.syntax("',' or ']'")),
                    None => return Err(self.error(JsonErrorKind::UnexpectedEnd)),
                }
            }
        }
    }

    /// Reads a scalar, or the opening of a container; answers whether it was the latter.
    fn value(&mut self) -> Result<bool, JsonError> {
        self.values += 1;
        if self.values > self.limits.values {
            return Err(self.error(JsonErrorKind::TooManyValues(self.limits.values)));
        }
        let start = self.at;
        match self.peek() {
            Some(b'"') => {
                let escaped = self.string()?;
                self.note(start, escaped);
            }
            Some(brace @ (b'{' | b'[')) => {
                if self.open.len() >= self.limits.depth {
                    return Err(self.error(JsonErrorKind::TooDeep(self.limits.depth)));
                }
                let noted = self.open.len() <= NOTED;
                let node = noted.then_some(self.nodes.len());
                self.note(start, self.open.len() == NOTED);
                self.at += 1;
                let keys = (brace == b'{').then(|| self.keys.open());
                self.open.push(Container { node, keys });
                return Ok(true);
            }
            Some(b'-' | b'0'..=b'9') => {
                self.number()?;
                self.note(start, false);
            }
            Some(b't') => self.literal(b"true")?,
            Some(b'f') => self.literal(b"false")?,
            Some(b'n') => self.literal(b"null")?,
            Some(_) => return Err(self.syntax("a value")),
            None => return Err(self.error(JsonErrorKind::UnexpectedEnd)),
        }
        Ok(false)
    }

    /// After an opening: closes an empty container, or reads up to the first value. Answers whether there is one.
    fn first_element(&mut self) -> Result<bool, JsonError> {
        self.skip_space();
        let object = self
            .open
            .last()
            .is_some_and(|container| container.keys.is_some());
        match self.peek() {
            Some(b'}') if object => self.close(),
            Some(b']') if !object => self.close(),
            _ if object => {
                self.key()?;
                return Ok(true);
            }
            _ => return Ok(true),
        }
        Ok(false)
    }

    fn key(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        match self.peek() {
            Some(b'"') => {}
            Some(_) => return Err(self.syntax("a key")),
            None => return Err(self.error(JsonErrorKind::UnexpectedEnd)),
        }
        let escaped = self.string()?;
        self.note(start, escaped);
        if self.distinct {
            self.look_at_key(start, escaped)?;
        }
        self.skip_space();
        match self.peek() {
            Some(b':') => self.at += 1,
            Some(_) => return Err(self.syntax("':'")),
            None => return Err(self.error(JsonErrorKind::UnexpectedEnd)),
        }
        self.skip_space();
        Ok(())
    }

    /// Looks at the key that began at `start` and ends here.
    fn look_at_key(&mut self, start: usize, escaped: bool) -> Result<(), JsonError> {
        let raw = self.text.get(start + 1..self.at - 1).unwrap_or_default();
        let key = Key::new(JsonStr::new(raw, escaped));
        if self.open.len() <= ODD_NOTED && key.is_odd() {
            self.odd.push(self.node(start, escaped));
        }
        if let Some(level) = self.open.last_mut().and_then(|open| open.keys.as_mut())
            && !self.keys.insert(level, &key)
        {
            let kind = JsonErrorKind::DuplicateKey(key.text().decode().into_owned());
            return Err(JsonError::new(kind, start));
        }
        Ok(())
    }

    fn close(&mut self) {
        self.at += 1;
        let Some(container) = self.open.pop() else {
            return;
        };
        if let Some(level) = container.keys {
            self.keys.close(&level);
        }
        let inside = self.nodes.len();
        if let Some(index) = container.node
            && let Some(node) = self.nodes.get_mut(index)
        {
            node.end = offset(self.at);
            node.inside = offset(inside - index - 1);
        }
    }

    /// Reads a string, quotes included; answers whether it holds an escape.
    fn string(&mut self) -> Result<bool, JsonError> {
        let (end, escaped) = self.strings.end(self.at + 1)?;
        self.at = end + 1;
        Ok(escaped)
    }

    fn number(&mut self) -> Result<(), JsonError> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at > start {
            Ok(())
        } else {
            Err(self.syntax("a digit"))
        }
    }

    fn literal(&mut self, word: &'static [u8]) -> Result<(), JsonError> {
        let start = self.at;
        if self.text.get(start..start + word.len()) != Some(word) {
            return Err(self.syntax("a value"));
        }
        self.at += word.len();
        self.note(start, false);
        Ok(())
    }

    /// Notes what stands from `start` to here, unless it lies too deep.
    fn note(&mut self, start: usize, flag: bool) {
        if self.open.len() <= NOTED {
            self.nodes.push(self.node(start, flag));
        }
    }

    fn node(&self, start: usize, flag: bool) -> Node {
        Node {
            start: offset(start),
            end: offset(self.at),
            inside: 0,
            flag,
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    fn syntax(&self, expected: &'static str) -> JsonError {
        match self.peek() {
            Some(_) => self.error(JsonErrorKind::Syntax(expected)),
            None => self.error(JsonErrorKind::UnexpectedEnd),
        }
    }

    fn error(&self, kind: JsonErrorKind) -> JsonError {
        JsonError::new(kind, self.at)
    }
}

/// Offsets fit: `scan` refuses longer texts.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
