//! Edits against a copy of the document in which the same changes were made by hand.
//!
//! What follows the last NUL of an input, which no JSON contains, chooses the changes; without one they are drawn.

use std::ops::Range;

use luthien_core::json::{Document, Edits, Json, Kind, Limits};
use serde_json::Value;

use crate::{Dice, all_values};

/// What values are replaced with, and set to: of every kind, and of other lengths than what they replace.
const VALUES: [&str; 6] = [
    "null",
    "-1.5e3",
    r#""\u00e9 \" \\""#,
    "[]",
    r#"{ "a" : [ 1 , {} ] }"#,
    r#""a text that is longer than the sixty-four bytes that are looked at at once, so that what follows is moved""#,
];

const NAMES: [&str; 5] = ["a", "model", "new \"\u{2028}", "", "é"];

pub fn check(data: &[u8]) {
    let end = data.iter().rposition(|&byte| byte == 0);
    let (text, script) = data.split_at(end.unwrap_or(data.len()));
    let mut script = Script {
        bytes: script.get(1..).unwrap_or_default(),
        dice: Dice::of(data),
    };
    let Ok(document) = Document::parse(text.to_vec().into(), &Limits::default()) else {
        return;
    };
    change(&document, &mut script);
    // What the bytes say, and then whatever comes up.
    script.bytes = &[];
    for _ in 0..3 {
        change(&document, &mut script);
    }
}

fn change(document: &Document, script: &mut Script<'_>) {
    let values = all_values(document.root());
    let mut model = Node::of(document.root());
    let mut edits = Edits::default();
    assert_eq!(
        edits.clone().apply(document.bytes()).as_ptr(),
        document.bytes().as_ptr()
    );

    let mut touched = Touched::default();
    for _ in 0..1 + script.next(5) {
        let json = values[script.next(values.len())];
        let value = VALUES[script.next(VALUES.len())];
        match script.next(3) {
            0 => {
                if touched.claim(json.span()) {
                    edits.replace(json, value);
                    model.find(json.span().start).replace(value);
                }
            }
            1 => {
                let unwanted = script.next(1 << 16);
                let unwanted = |index: usize| unwanted >> (index % 16) & 1 == 1;
                let gone: Vec<_> = json
                    .items()
                    .enumerate()
                    .filter(|(index, _)| unwanted(*index))
                    .collect();
                // Two removals from one list may both want the same comma.
                if !gone.is_empty()
                    && touched.removals_from(json.span(), gone.iter().map(|(_, item)| item.span()))
                {
                    edits.remove_items(json, |index, _| unwanted(index));
                    model.find(json.span().start).remove(unwanted);
                }
            }
            _ => {
                let own: Vec<_> = json
                    .members()
                    .map(|(key, _)| key.decode().into_owned())
                    .collect();
                let pick = script.next(NAMES.len() + own.len());
                let name = own
                    .get(pick)
                    .map_or_else(|| NAMES[pick - own.len()], String::as_str);
                let free = match json.get(name) {
                    Some(member) => touched.claim(member.span()),
                    None => touched.addition(json.span(), name),
                };
                if free {
                    edits.set_member(json, name, value);
                    model.find(json.span().start).set(name, value);
                }
            }
        }
    }

    let edited = edits.apply(document.bytes());
    let result = Document::parse(edited.clone(), &Limits::default())
        .unwrap_or_else(|error| panic!("{error} in {:?}", String::from_utf8_lossy(&edited)));
    model.assert_is(result.root());
    // Numbers that no float can hold are refused by a tree parser.
    if let Ok(tree) = serde_json::from_slice::<Value>(&edited) {
        assert_eq!(Some(tree), model.tree());
    }
    // What lies before the first change and behind the last one is as it was.
    let (first, last) = touched.ends(document.bytes().len());
    assert_eq!(edited[..first], document.bytes()[..first]);
    assert!(edited.ends_with(&document.bytes()[last..]));
}

struct Script<'a> {
    bytes: &'a [u8],
    dice: Dice,
}

impl Script<'_> {
    fn next(&mut self, end: usize) -> usize {
        match self.bytes {
            [high, low, rest @ ..] => {
                self.bytes = rest;
                usize::from(u16::from_be_bytes([*high, *low])) % end
            }
            _ => self.dice.below(end),
        }
    }
}

/// Where changes were made, so that none overlap: that is for callers to see to.
#[derive(Default)]
struct Touched {
    /// Replaced or removed: nothing else may be done in there.
    taken: Vec<Range<usize>>,
    /// Where something inside was done: they may not be taken any more.
    inside: Vec<Range<usize>>,
    lists: Vec<usize>,
    names: Vec<(usize, String)>,
}

impl Touched {
    fn is_free(&self, span: &Range<usize>) -> bool {
        let within = |inner: &Range<usize>, outer: &Range<usize>| {
            outer.start <= inner.start && inner.end <= outer.end
        };
        !self
            .taken
            .iter()
            .any(|taken| within(span, taken) || within(taken, span))
    }

    fn holds_nothing_done(&self, span: &Range<usize>) -> bool {
        let within = |inner: &Range<usize>| span.start <= inner.start && inner.end <= span.end;
        !self.inside.iter().any(within)
    }

    fn claim(&mut self, span: Range<usize>) -> bool {
        let free = self.is_free(&span) && self.holds_nothing_done(&span);
        if free {
            self.taken.push(span);
        }
        free
    }

    fn removals_from(
        &mut self,
        list: Range<usize>,
        items: impl Iterator<Item = Range<usize>>,
    ) -> bool {
        let items: Vec<_> = items.collect();
        let within = |outer: &Range<usize>| outer.start <= list.start && list.end <= outer.end;
        if self.lists.contains(&list.start)
            || self.taken.iter().any(within)
            || !items
                .iter()
                .all(|item| self.is_free(item) && self.holds_nothing_done(item))
        {
            return false;
        }
        self.lists.push(list.start);
        self.taken.extend(items);
        self.inside.push(list);
        true
    }

    fn addition(&mut self, object: Range<usize>, name: &str) -> bool {
        let within = |outer: &Range<usize>| outer.start <= object.start && object.end <= outer.end;
        let name = (object.start, name.to_owned());
        if self.taken.iter().any(within) || self.names.contains(&name) {
            return false;
        }
        self.names.push(name);
        self.inside.push(object);
        true
    }

    fn ends(&self, length: usize) -> (usize, usize) {
        let all = || self.taken.iter().chain(&self.inside);
        let first = all().map(|span| span.start).min().unwrap_or(length);
        (first, all().map(|span| span.end).max().unwrap_or(length))
    }
}

/// A copy of a value, to be changed by hand.
struct Node {
    start: usize,
    /// As it stands, as long as nothing in it was changed.
    text: Vec<u8>,
    untouched: bool,
    members: Vec<(String, Node)>,
    items: Vec<Node>,
}

impl Node {
    fn of(json: Json<'_>) -> Self {
        let members = json.members();
        Self {
            start: json.span().start,
            text: json.text().to_vec(),
            untouched: true,
            members: members
                .map(|(key, value)| (key.decode().into_owned(), Self::of(value)))
                .collect(),
            items: json.items().map(Self::of).collect(),
        }
    }

    /// Something new, which is nowhere in the document.
    fn new(text: &str) -> Self {
        Self {
            start: usize::MAX,
            text: text.into(),
            untouched: true,
            members: Vec::new(),
            items: Vec::new(),
        }
    }

    /// The value that starts here; on the way, what holds it is marked as changed.
    fn find(&mut self, start: usize) -> &mut Self {
        self.untouched = false;
        if self.start == start {
            return self;
        }
        let below = self.members.iter_mut().map(|(_, value)| value);
        below
            .chain(&mut self.items)
            .filter(|node| node.start <= start)
            .max_by_key(|node| node.start)
            .unwrap()
            .find(start)
    }

    fn replace(&mut self, text: &str) {
        // What follows may still look for it.
        let start = self.start;
        *self = Self {
            start,
            ..Self::new(text)
        };
    }

    fn remove(&mut self, unwanted: impl Fn(usize) -> bool) {
        let items = std::mem::take(&mut self.items).into_iter().enumerate();
        self.items = items
            .filter(|(index, _)| !unwanted(*index))
            .map(|(_, item)| item)
            .collect();
    }

    fn set(&mut self, name: &str, text: &str) {
        if self.text.first() != Some(&b'{') {
            return;
        }
        match self.members.iter_mut().find(|(key, _)| key == name) {
            Some((_, value)) => value.replace(text),
            None => self.members.push((name.to_owned(), Self::new(text))),
        }
    }

    fn tree(&self) -> Option<Value> {
        if self.untouched {
            return serde_json::from_slice(&self.text).ok();
        }
        match self.text.first() {
            Some(b'{') => {
                let members = self.members.iter();
                members
                    .map(|(key, node)| Some((key.clone(), node.tree()?)))
                    .collect()
            }
            Some(b'[') => self.items.iter().map(Self::tree).collect(),
            _ => serde_json::from_slice(&self.text).ok(),
        }
    }

    fn assert_is(&self, json: Json<'_>) {
        if self.untouched {
            assert_eq!(json.text(), self.text, "nobody changed it");
            return;
        }
        match json.kind() {
            Kind::Object => {
                let members: Vec<_> = json.members().collect();
                assert_eq!(members.len(), self.members.len());
                for ((name, node), (key, value)) in self.members.iter().zip(members) {
                    assert!(key.is(name));
                    node.assert_is(value);
                }
            }
            Kind::Array => {
                let items: Vec<_> = json.items().collect();
                assert_eq!(items.len(), self.items.len());
                for (node, item) in self.items.iter().zip(items) {
                    node.assert_is(item);
                }
            }
            // Asked to set a member of something else, edits do nothing.
            _ => assert_eq!(json.text(), self.text),
        }
    }
}
