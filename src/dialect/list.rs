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
}

struct Kept<'a> {
    kind: BlockKind,
    json: Json<'a>,
    edits: Edits,
}

impl<'a> List<'a> {
    pub(super) fn keep(&mut self, kind: BlockKind, json: Json<'a>, edits: Edits) {
        self.kept.push(Kept { kind, json, edits });
        self.all += 1;
    }

    pub(super) fn drop(&mut self) {
        self.all += 1;
    }

    /// Writes the list down in the place of `list`: with `notices` before the first call, and, if calls go last, with the
    /// text that stood behind it before them. What stays in its place is touched nowhere else.
    pub(super) fn write(
        self,
        list: Json<'_>,
        document: &Document,
        calls_last: bool,
        notices: Vec<Bytes>,
        edits: &mut Edits,
    ) {
        let is_call = |kept: &Kept<'_>| kept.kind == BlockKind::ToolCall;
        let calls_at = self
            .kept
            .iter()
            .position(is_call)
            .unwrap_or(self.kept.len());
        let is_late = |place: usize, kept: &Kept<'_>| {
            calls_last && place > calls_at && kept.kind == BlockKind::Text
        };
        let moves = self
            .kept
            .iter()
            .enumerate()
            .any(|(place, kept)| is_late(place, kept));
        if notices.is_empty() && !moves && self.kept.len() == self.all {
            for kept in self.kept {
                edits.append(kept.edits);
            }
            return;
        }
        let (mut before, mut behind) = (Vec::new(), Vec::new());
        for (place, kept) in self.kept.into_iter().enumerate() {
            let is_before = place < calls_at || is_late(place, &kept);
            let json = kept.edits.apply_in(kept.json, document.bytes());
            let side = if is_before { &mut before } else { &mut behind };
            side.push(json);
        }
        before.extend(notices);
        before.append(&mut behind);
        edits.replace(list, array(&before));
    }
}

/// A JSON array of these values.
pub(super) fn array(values: &[Bytes]) -> Bytes {
    [&b"["[..], &values.join(&b","[..]), b"]"].concat().into()
}
