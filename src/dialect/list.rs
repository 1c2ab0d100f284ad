//! Lists of blocks in whole replies, written anew.

use bytes::Bytes;

use crate::{
    json::{Document, Edits, Json},
    request::BlockKind,
};

/// The elements of a list that stay, each with its changes.
#[derive(Default)]
pub(super) struct List<'a> {
    kept: Vec<Kept<'a>>,
    /// How many there were.
    all: usize,
    /// Where among those that stay the first call stood, whether it stays or not.
    calls_at: Option<usize>,
}

struct Kept<'a> {
    kind: BlockKind,
    json: Json<'a>,
    edits: Edits,
}

impl<'a> List<'a> {
    pub(super) fn keep(&mut self, kind: BlockKind, json: Json<'a>, edits: Edits) {
        self.note(kind);
        self.kept.push(Kept { kind, json, edits });
    }

    pub(super) fn drop(&mut self, kind: BlockKind) {
        self.note(kind);
    }

    fn note(&mut self, kind: BlockKind) {
        self.all += 1;
        if kind == BlockKind::ToolCall {
            self.calls_at.get_or_insert(self.kept.len());
        }
    }

    /// Writes the list down in the place of `list`, in the order in which a stream would bring it: `notices` where the first
    /// call stood, or at the end if no call is left; and, if calls go last, the text that stood behind the first call before
    /// all of that. What stays in its place is touched nowhere else.
    pub(super) fn write(
        self,
        list: Json<'_>,
        document: &Document,
        calls_last: bool,
        notices: Vec<Bytes>,
        edits: &mut Edits,
    ) {
        let calls_at = self.calls_at.unwrap_or(self.kept.len());
        let is_late = |place: usize, kept: &Kept<'_>| {
            calls_last && place >= calls_at && kept.kind == BlockKind::Text
        };
        let is_last =
            |(place, kept): (usize, &Kept<'_>)| place >= calls_at && !is_late(place, kept);
        let is_call = |kept: &Kept<'_>| kept.kind == BlockKind::ToolCall;
        let has_calls = self.kept.iter().any(is_call);
        let moves = !self.kept.iter().enumerate().map(is_last).is_sorted();
        if notices.is_empty() && !moves && self.kept.len() == self.all {
            for kept in self.kept {
                edits.append(kept.edits);
            }
            return;
        }
        let (mut before, mut behind) = (Vec::new(), Vec::new());
        for (place, kept) in self.kept.into_iter().enumerate() {
            let is_last = is_last((place, &kept));
            let json = kept.edits.apply_in(kept.json, document.bytes());
            let side = if is_last { &mut behind } else { &mut before };
            side.push(json);
        }
        let (explanation, end) = if has_calls {
            (notices, Vec::new())
        } else {
            (Vec::new(), notices)
        };
        before.extend(explanation);
        before.append(&mut behind);
        before.extend(end);
        edits.replace(list, array(&before));
    }
}

/// A JSON array of these values.
pub(super) fn array(values: &[Bytes]) -> Bytes {
    [&b"["[..], &values.join(&b","[..]), b"]"].concat().into()
}
