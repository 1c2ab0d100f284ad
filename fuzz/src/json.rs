//! The view of a document against `serde_json`, and against itself where the blocks of its scanner fall elsewhere.

use std::{collections::HashSet, fmt, ops::Range};

use luthien_core::json::{Document, Json, JsonError, JsonErrorKind, Kind, Limits, quote};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::{Dice, all_values};

/// Deeper than anything that passes; it keeps the reference, which recurses, from overflowing the stack.
const DEEPEST: usize = 200;

pub fn check(data: &[u8]) {
    let limits = Limits {
        depth: 128,
        values: 1000,
    };
    let parsed = parse(data, &limits);
    match serde_json::from_slice::<&RawValue>(data) {
        Err(_) => {
            // Keys, escapes and bounds are looked at on the way to where the text goes wrong, so any reason may be given.
            assert!(parsed.is_err(), "{parsed:?}");
        }
        Ok(raw) => {
            let mut facts = Facts::default();
            facts.explore(raw.get(), 0);
            judge(data, &parsed, &facts, &limits);
            if let Ok(document) = &parsed {
                compare(document.root(), raw.get(), data);
                bounds(data, &facts);
            }
        }
    }
    shifted(data, &parsed, &limits);
    quoted(&String::from_utf8_lossy(data));
}

fn parse(data: &[u8], limits: &Limits) -> Result<Document, JsonError> {
    Document::parse(data.to_vec().into(), limits)
}

/// What is to be known about a text of which `serde_json` says that it is JSON.
#[derive(Debug, Default)]
struct Facts {
    depth: usize,
    values: usize,
    twice: bool,
    lone: bool,
}

impl Facts {
    fn explore(&mut self, raw: &str, depth: usize) {
        self.values += 1;
        match raw.as_bytes()[0] {
            b'"' => self.lone |= string(raw).is_none(),
            b'{' | b'[' => {
                self.depth = self.depth.max(depth + 1);
                if depth == DEEPEST {
                    return;
                }
                let mut keys = HashSet::new();
                for (key, value) in inside(raw) {
                    if let Some(key) = key {
                        match string(key) {
                            Some(key) => self.twice |= !keys.insert(key),
                            None => self.lone = true,
                        }
                    }
                    self.explore(value, depth + 1);
                }
            }
            _ => {}
        }
    }
}

fn string(raw: &str) -> Option<String> {
    serde_json::from_str(raw).ok()
}

/// The elements of an array, or the values of an object with their keys.
fn inside(raw: &str) -> Vec<(Option<&str>, &str)> {
    struct Members<'a>(Vec<(Option<&'a str>, &'a str)>);

    impl<'de> Deserialize<'de> for Members<'de> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Object;
            impl<'de> Visitor<'de> for Object {
                type Value = Members<'de>;

                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("an object")
                }

                fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                    let mut members = Vec::new();
                    while let Some((key, value)) = map.next_entry::<&RawValue, &RawValue>()? {
                        members.push((Some(key.get()), value.get()));
                    }
                    Ok(Members(members))
                }
            }
            deserializer.deserialize_map(Object)
        }
    }

    if raw.starts_with('{') {
        return serde_json::from_str::<Members<'_>>(raw).unwrap().0;
    }
    let items: Vec<&RawValue> = serde_json::from_str(raw).unwrap();
    items.into_iter().map(|item| (None, item.get())).collect()
}

/// It is JSON: only for what readers disagree about, or for its size, may it be refused, and it must be.
fn judge(data: &[u8], parsed: &Result<Document, JsonError>, facts: &Facts, limits: &Limits) {
    let Err(error) = parsed else {
        let sound = !facts.twice && !facts.lone;
        assert!(sound, "{facts:?}, yet it passed");
        assert!(facts.depth <= limits.depth && facts.values <= limits.values);
        return;
    };
    match error.kind() {
        JsonErrorKind::DuplicateKey(key) => {
            assert!(facts.twice || facts.depth > DEEPEST, "{error}");
            assert_eq!(data[error.at()], b'"');
            let raw = String::from_utf8_lossy(&data[error.at()..]);
            let mut reader = serde_json::Deserializer::from_str(&raw).into_iter::<String>();
            assert_eq!(reader.next().unwrap().unwrap(), *key, "which key it was");
        }
        JsonErrorKind::LoneSurrogate => assert!(facts.lone || facts.depth > DEEPEST, "{error}"),
        JsonErrorKind::TooDeep(_) => assert!(facts.depth > limits.depth, "{error}"),
        JsonErrorKind::TooManyValues(_) => {
            assert!(
                facts.values > limits.values || facts.depth > DEEPEST,
                "{error}"
            );
        }
        _ => panic!("{error}, yet it is JSON"),
    }
    assert_eq!(
        error.is_ambiguous(),
        matches!(
            error.kind(),
            JsonErrorKind::DuplicateKey(_) | JsonErrorKind::LoneSurrogate
        )
    );
}

/// `raw` is a piece of `data`: the view must find the same one, and read it alike.
fn compare(json: Json<'_>, raw: &str, data: &[u8]) {
    let start = raw.as_ptr().addr() - data.as_ptr().addr();
    assert_eq!(json.span(), start..start + raw.len());
    assert_eq!(json.text(), raw.as_bytes());
    assert_eq!(json.is_null(), raw == "null");
    assert_eq!(json.as_bool(), raw.parse().ok());
    let digits = raw.bytes().all(|byte| byte.is_ascii_digit());
    let number = raw.parse().ok().filter(|_| digits);
    assert_eq!(json.as_u64(), number);
    match json.kind() {
        Kind::Object => {
            assert!(raw.starts_with('{'));
            let expected = inside(raw);
            let members: Vec<_> = json.members().collect();
            assert_eq!(members.len(), expected.len());
            assert_eq!(json.items().count(), 0);
            for (place, ((key, value), (raw_key, raw))) in members.iter().zip(expected).enumerate()
            {
                let raw_key = raw_key.unwrap();
                let name = string(raw_key).unwrap();
                assert_eq!(key.decode(), name);
                assert_eq!(key.raw(), &raw_key.as_bytes()[1..raw_key.len() - 1]);
                assert!(key.is(&name));
                // A few: to look for each would take time that grows with the square.
                if place < 40 {
                    assert_eq!(
                        json.get(&name).map(|found| found.span()),
                        Some(value.span())
                    );
                }
                compare(*value, raw, data);
            }
            assert!(json.get("no such \u{1} key").is_none());
        }
        Kind::Array => {
            assert!(raw.starts_with('['));
            let expected = inside(raw);
            let items: Vec<_> = json.items().collect();
            assert_eq!(items.len(), expected.len());
            assert_eq!(json.members().count(), 0);
            for (item, (_, raw)) in items.into_iter().zip(expected) {
                compare(item, raw, data);
            }
        }
        Kind::String => {
            let text = string(raw).unwrap();
            let found = json.as_str().unwrap();
            assert_eq!(found.decode(), text);
            assert!(found.is(&text) && json.is_str(&text));
            assert!(!json.is_str(&format!("{text}x")));
        }
        Kind::Bool => assert!(matches!(raw, "true" | "false")),
        Kind::Null => assert_eq!(raw, "null"),
        Kind::Number => assert!(raw.starts_with('-') || raw.as_bytes()[0].is_ascii_digit()),
    }
}

/// What passes, passes with bounds that it just meets, and with none below.
fn bounds(data: &[u8], facts: &Facts) {
    let (depth, values) = (facts.depth, facts.values);
    assert!(parse(data, &Limits { depth, values }).is_ok());
    let narrow = parse(
        data,
        &Limits {
            depth,
            values: values - 1,
        },
    );
    assert_eq!(
        narrow.unwrap_err().kind(),
        &JsonErrorKind::TooManyValues(values - 1)
    );
    if let Some(depth) = depth.checked_sub(1) {
        let shallow = parse(data, &Limits { depth, values });
        assert_eq!(shallow.unwrap_err().kind(), &JsonErrorKind::TooDeep(depth));
    }
}

/// White space in front changes nothing but where things are. The scanner looks at 64 bytes at a time, so each string
/// lies across its blocks in another way.
fn shifted(data: &[u8], parsed: &Result<Document, JsonError>, limits: &Limits) {
    if matches!(parsed, Err(error) if error.kind() == &JsonErrorKind::ByteOrderMark) {
        return;
    }
    let mut dice = Dice::of(data);
    for by in [1, 63, 1 + dice.below(63), 1 + dice.below(63)] {
        let moved = parse(&[&vec![b' '; by][..], data].concat(), limits);
        match (parsed, moved) {
            (Ok(document), Ok(moved)) => {
                assert_eq!(places(document, by), places(&moved, 0), "by {by}");
            }
            (Err(error), Err(moved)) => {
                assert_eq!((error.kind(), error.at() + by), (moved.kind(), moved.at()));
            }
            (parsed, moved) => panic!("{parsed:?}, but {moved:?} if moved by {by}"),
        }
    }
}

/// Every value and key, with its place and what it says if it is a string.
fn places(document: &Document, by: usize) -> Vec<(Range<usize>, Option<String>)> {
    let mut places = Vec::new();
    for json in all_values(document.root()) {
        let span = json.span();
        let text = json.as_str().map(|text| text.decode().into_owned());
        places.push((span.start + by..span.end + by, text));
        places.extend(
            json.members()
                .map(|(key, _)| (0..0, Some(key.decode().into_owned()))),
        );
    }
    places
}

/// What is quoted is one string, says the same, and no line splitter cuts it.
fn quoted(text: &str) {
    let quoted = quote(text);
    let document = Document::parse(quoted.clone(), &Limits::default()).unwrap();
    assert!(document.root().is_str(text));
    assert_eq!(string(std::str::from_utf8(&quoted).unwrap()).unwrap(), text);
    let breaks = ['\n', '\r', '\u{2028}', '\u{2029}'];
    assert!(!std::str::from_utf8(&quoted).unwrap().contains(breaks));
}
