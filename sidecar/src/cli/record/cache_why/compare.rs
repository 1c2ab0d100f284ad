//! What differs between two requests, of what a provider could have cached of the first.

use luthien_core::{
    Dialect,
    json::{Document, Json, Kind},
};

use super::pieces::{MARK, Piece, pieces};

/// What a request shares with the one before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Compared {
    /// Nothing of the first was to be cached.
    Unmarked,
    /// Here they part.
    Differs(Difference),
    /// They do not differ, but nothing of the second was to be looked for in the cache.
    Unread,
    /// They do not differ, but the second is marked so far behind the first that nobody looks back there.
    Far,
    /// They do not differ.
    Same,
}

/// The first place at which two requests differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    /// Such as `tools[3].description`, in the second; of what is not there any more, in the first.
    pub(super) path: String,
    /// What stands there from the first byte on that differs, in the first; `None` if nothing does.
    pub(super) before: Option<Found>,
    /// The same in the second.
    pub(super) after: Option<Found>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// How many bytes of the request stand before it.
    pub(super) at: usize,
    pub(super) bytes: Vec<u8>,
}

/// How many blocks a provider looks back from a mark for what is cached.
const BACK: usize = 20;

/// Compares what went up: in the order of the cache, as far as something of the first could be cached, and without the
/// marks that move from turn to turn.
pub(super) fn compare(dialect: Dialect, before: &Document, after: &Document) -> Compared {
    let (mut first, second) = (
        pieces(dialect, before, false),
        pieces(dialect, after, false),
    );
    let last_mark = |pieces: &[Piece<'_>]| pieces.iter().rposition(|piece| piece.is_marked);
    let marked = dialect == Dialect::Anthropic;
    let end = match last_mark(&first) {
        None if marked => return Compared::Unmarked,
        Some(last) if marked => last + 1,
        _ => first.len(),
    };
    first.truncate(end);
    if let Some(difference) = first_of(&first, &second) {
        return Compared::Differs(difference);
    }
    if !marked {
        return Compared::Same;
    }
    let blocks = |pieces: &[Piece<'_>]| {
        let blocks = pieces.iter().filter(|piece| !piece.path.ends_with(".role"));
        blocks.count()
    };
    let Some(last) = last_mark(&second) else {
        return Compared::Unread;
    };
    // Every mark is looked back from.
    let near = second.iter().enumerate().any(|(place, piece)| {
        let between = second.get(end..=place).map_or(0, blocks);
        piece.is_marked && place + 1 >= end && between < BACK
    });
    match (last + 1 >= end, near) {
        (false, _) => Compared::Unread,
        (true, false) => Compared::Far,
        (true, true) => Compared::Same,
    }
}

/// Where two requests of a client differ at first, cached or not.
pub(super) fn differ(dialect: Dialect, before: &Document, after: &Document) -> Option<Difference> {
    let first = pieces(dialect, before, true);
    let second = pieces(dialect, after, true);
    let parted = first_of(&first, &second);
    // The bill is something else each time; whatever else is, is what is asked for.
    let (first, second) = (
        pieces(dialect, before, false),
        pieces(dialect, after, false),
    );
    first_of(&first, &second).or(parted)
}

impl Difference {
    /// Whether `own`, in which what a client has sent differs, is the same difference. Policies may have moved it.
    pub(super) fn is_of(&self, own: &Self) -> bool {
        let bytes = |found: &Option<Found>| found.as_ref().map(|found| found.bytes.clone());
        self.path == own.path
            || (bytes(&self.before), bytes(&self.after)) == (bytes(&own.before), bytes(&own.after))
    }
}

/// The first difference of these pieces. That the second goes on is none.
fn first_of(first: &[Piece<'_>], second: &[Piece<'_>]) -> Option<Difference> {
    let mut others = second.iter();
    for piece in first {
        let Some(other) = others.next() else {
            return Some(gone(&piece.path, piece.json));
        };
        if piece.slot < other.slot {
            return Some(gone(&piece.path, piece.json));
        }
        if other.slot < piece.slot {
            return Some(new(&other.path, other.json));
        }
        let found = differing(piece.json, other.json, &other.path, false);
        if found.is_some() {
            return found;
        }
    }
    None
}

fn gone(path: &str, json: Json<'_>) -> Difference {
    Difference {
        path: path.to_owned(),
        before: Some(found(json, 0)),
        after: None,
    }
}

fn new(path: &str, json: Json<'_>) -> Difference {
    Difference {
        path: path.to_owned(),
        before: None,
        after: Some(found(json, 0)),
    }
}

fn found(json: Json<'_>, shared: usize) -> Found {
    Found {
        at: json.span().start + shared,
        bytes: json.text().get(shared..).unwrap_or_default().to_vec(),
    }
}

/// Inside these, what a model reads is in the order in which it was written.
const ORDERED: [&str; 5] = [
    "input",
    "input_schema",
    "parameters",
    "schema",
    "properties",
];

/// The first difference of two values. Where it does not matter, members may stand in another order.
fn differing(before: Json<'_>, after: Json<'_>, path: &str, ordered: bool) -> Option<Difference> {
    if before.text() == after.text() {
        return None;
    }
    match (before.kind(), after.kind()) {
        (Kind::Object, Kind::Object) if ordered => in_order(before, after, path),
        (Kind::Object, Kind::Object) => by_name(before, after, path),
        (Kind::Array, Kind::Array) => {
            let (mut first, mut second) = (before.items(), after.items());
            (0..).find_map(|at| {
                let path = format!("{path}[{at}]");
                match (first.next(), second.next()) {
                    (None, None) => Some(None),
                    (Some(json), None) => Some(Some(gone(&path, json))),
                    (None, Some(json)) => Some(Some(new(&path, json))),
                    (Some(a), Some(b)) => differing(a, b, &path, ordered).map(Some),
                }
            })?
        }
        _ if is_same_text(before, after) => None,
        _ => {
            let pairs = before.text().iter().zip(after.text());
            let shared = pairs.take_while(|(a, b)| a == b).count();
            Some(Difference {
                path: path.to_owned(),
                before: Some(found(before, shared)),
                after: Some(found(after, shared)),
            })
        }
    }
}

/// Whether both say the same: as a text, however it is escaped, or as the only block of a list.
fn is_same_text(before: Json<'_>, after: Json<'_>) -> bool {
    fn text<'a>(json: Json<'a>) -> Option<luthien_core::json::JsonStr<'a>> {
        let mut items = json.items();
        let block = match (items.next(), items.next()) {
            (Some(only), None) => only,
            _ => json,
        };
        let is_text = block.get("type").is_some_and(|kind| kind.is_str("text"));
        let inner = block.get("text").filter(|_| is_text);
        inner.unwrap_or(block).as_str()
    }
    match (text(before), text(after)) {
        (Some(a), Some(b)) => a.decode() == b.decode(),
        _ => false,
    }
}

fn in_order(before: Json<'_>, after: Json<'_>, path: &str) -> Option<Difference> {
    let (mut first, mut second) = (before.members(), after.members());
    loop {
        let (name, a, b) = match (first.next(), second.next()) {
            (None, None) => return None,
            (Some((name, a)), None) => return Some(gone(&member(path, &name.decode()), a)),
            (None, Some((name, b))) => return Some(new(&member(path, &name.decode()), b)),
            (Some((name, a)), Some((other, b))) => {
                let (name, other) = (name.decode(), other.decode());
                if name != other {
                    return Some(Difference {
                        path: member(path, &other),
                        before: Some(found(a, 0)),
                        after: Some(found(b, 0)),
                    });
                }
                (name, a, b)
            }
        };
        let found = differing(a, b, &member(path, &name), true);
        if found.is_some() {
            return found;
        }
    }
}

fn by_name(before: Json<'_>, after: Json<'_>, path: &str) -> Option<Difference> {
    for (name, a) in before.members().filter(|(name, _)| !name.is(MARK)) {
        let name = name.decode();
        let path = member(path, &name);
        let Some(b) = after.get(&name) else {
            return Some(gone(&path, a));
        };
        let found = differing(a, b, &path, ORDERED.contains(&&*name));
        if found.is_some() {
            return found;
        }
    }
    let mut others = after.members().filter(|(name, _)| !name.is(MARK));
    let (name, json) = others.find(|(name, _)| before.get(&name.decode()).is_none())?;
    Some(new(&member(path, &name.decode()), json))
}

fn member(path: &str, name: &str) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if !name.is_empty() && name.chars().all(is_word) {
        format!("{path}.{name}")
    } else {
        format!("{path}[{}]", serde_json::Value::from(name))
    }
}
