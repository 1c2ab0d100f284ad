//! Replacing spans of a document and nothing else.

use std::ops::Range;

use bytes::Bytes;

use super::{Json, JsonStr, Kind};

/// Changes to one document, applied together. Spans are those of the document as it was; they must not overlap.
///
/// ```
/// use luthien_core::json::{Document, Edits, Limits, quote};
///
/// let document = Document::parse(r#"{ "tools": [1, 2,  3], "model": "a" }"#.into(), &Limits::default())?;
/// let root = document.root();
/// let mut edits = Edits::default();
/// edits.remove_items(root.get("tools").unwrap(), |index, _| index == 1);
/// edits.replace(root.get("model").unwrap(), quote("b"));
/// assert_eq!(edits.apply(document.bytes()), r#"{ "tools": [1,  3], "model": "b" }"#);
/// # Ok::<(), luthien_core::json::JsonError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Edits {
    edits: Vec<(Range<usize>, Bytes)>,
}

impl Edits {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.edits.is_empty()
    }

    /// Takes over changes to other spans of the same document.
    pub(crate) fn append(&mut self, others: Self) {
        self.edits.extend(others.edits);
    }

    /// Puts `json` in place of `value`. It is not checked: pass what [`quote`] made, or a value of a document. Of several
    /// for one value the last counts.
    pub fn replace(&mut self, value: Json<'_>, json: impl Into<Bytes>) {
        self.edits.retain(|(span, _)| *span != value.span());
        self.edits.push((value.span(), json.into()));
    }

    /// Removes the elements of `array` that `unwanted` names by index and value, each with one of its commas.
    pub fn remove_items(
        &mut self,
        array: Json<'_>,
        mut unwanted: impl FnMut(usize, Json<'_>) -> bool,
    ) {
        let marked: Vec<_> = array
            .items()
            .enumerate()
            .map(|(index, item)| (item.span(), unwanted(index, item)))
            .collect();
        self.remove(marked);
    }

    /// Removes the member `name` of `object`, if it is there, with one of its commas. Only one member of an object may
    /// be removed so; others may be [set](Self::set_member) afterwards.
    pub fn remove_member(&mut self, object: Json<'_>, name: &str) {
        self.remove_members(object, |key| key.is(name));
    }

    /// As [`remove_member`](Self::remove_member), all that `unwanted` names.
    pub(crate) fn remove_members(
        &mut self,
        object: Json<'_>,
        mut unwanted: impl FnMut(JsonStr<'_>) -> bool,
    ) {
        let marked = object.entries().map(|(key, value)| {
            let unwanted = key.as_str().is_some_and(&mut unwanted);
            (key.span().start..value.span().end, unwanted)
        });
        let marked: Vec<_> = marked.collect();
        self.remove(marked);
    }

    /// Of the parts of a list, in order, removes those that are marked.
    fn remove(&mut self, marked: Vec<(Range<usize>, bool)>) {
        // What stays keeps the white space before it, save the first, which takes the place of the first there was.
        let mut kept: Option<Range<usize>> = None;
        let mut run: Option<Range<usize>> = None;
        for (span, unwanted) in marked {
            if unwanted {
                let start = kept.as_ref().map_or(span.start, |kept| kept.end);
                let run = run.get_or_insert(start..span.end);
                run.end = span.end;
                continue;
            }
            if let Some(mut run) = run.take() {
                if kept.is_none() {
                    run.end = span.start;
                }
                self.edits.push((run, Bytes::new()));
            }
            kept = Some(span);
        }
        if let Some(run) = run {
            self.edits.push((run, Bytes::new()));
        }
    }

    /// Sets the member `name` of `object` to `json`, which is not checked: in place if it is there, else as the last.
    /// Does nothing if `object` is none.
    pub fn set_member(&mut self, object: Json<'_>, name: &str, json: impl Into<Bytes>) {
        if let Some(value) = object.get(name) {
            return self.replace(value, json);
        }
        if object.kind() != Kind::Object {
            return;
        }
        let start = object.span().start + 1;
        let mut entries = object.entries();
        let first = entries.next();
        let last = entries.last().or(first);
        let at = last.map_or(start, |(_, value)| value.span().end);
        // Nothing is left of what was there, and nothing was added to it before this.
        let first = first.map_or(start, |(key, _)| key.span().start);
        let is_gone = |(span, json): &(Range<usize>, Bytes)| {
            json.is_empty() && span.start <= first && span.end >= at
        };
        let is_alone = (first == at || self.edits.iter().any(is_gone))
            && !self.edits.iter().any(|(span, _)| *span == (at..at));
        let comma = if is_alone { "" } else { "," };
        let member = [comma.as_bytes(), &quote(name), b":", &json.into()].concat();
        self.edits.push((at..at, member.into()));
    }

    /// The document with all changes made. Without changes, the same bytes.
    pub fn apply(self, document: &Bytes) -> Bytes {
        self.apply_to(0..document.len(), document)
    }

    /// The part of the document that `value` is, with all changes made, which must lie in it.
    pub(crate) fn apply_in(self, value: Json<'_>, document: &Bytes) -> Bytes {
        self.apply_to(value.span(), document)
    }

    fn apply_to(mut self, part: Range<usize>, document: &Bytes) -> Bytes {
        if self.edits.is_empty() {
            return document
                .get(part)
                .map_or_else(Bytes::new, |part| document.slice_ref(part));
        }
        self.edits.sort_by_key(|(span, _)| (span.start, span.end));
        let grown: usize = self.edits.iter().map(|(_, json)| json.len()).sum();
        let mut edited = Vec::with_capacity(part.len() + grown);
        let mut at = part.start;
        for (span, json) in &self.edits {
            debug_assert!(at <= span.start, "edits overlap");
            edited.extend_from_slice(document.get(at..span.start).unwrap_or_default());
            edited.extend_from_slice(json);
            at = at.max(span.end);
        }
        edited.extend_from_slice(document.get(at..part.end).unwrap_or_default());
        edited.into()
    }
}

/// `text` as a JSON string, quotes included. U+2028 and U+2029 are escaped: a line splitter that knows more ends than
/// JSON does would cut the text there.
pub fn quote(text: &str) -> Bytes {
    let quoted = serde_json::Value::from(text).to_string();
    if quoted.contains(['\u{2028}', '\u{2029}']) {
        return quoted
            .replace('\u{2028}', "\\u2028")
            .replace('\u{2029}', "\\u2029")
            .into();
    }
    quoted.into()
}
