//! From a request to what is kept of it: each message once, whatever most turns repeat once, and the rest.

use std::ops::Range;

use bytes::Bytes;
use luthien_core::{
    Dialect,
    json::{Json, Kind},
    request::LlmRequest,
};

use super::{
    Content, ContentHash, Entry, Frame, Mark, Medium, Message, Node, Piece, Request,
    known::{Known, Turn},
};

/// What is as long as this stands alone: turns repeat it.
const LARGE: usize = 256;
/// From which length on the text of a picture is kept apart from its message.
const MEDIUM: usize = 16 << 10;
/// How deep in a message pictures are looked for: those in the result of a tool are in seven others.
const DEPTH: usize = 8;

/// Takes a request apart. What nobody knows yet is added to `out`; `before` is the turn before it, if there was one, and
/// becomes this one.
pub(super) fn split(
    request: &LlmRequest,
    before: &mut Turn,
    known: &mut Known,
    out: &mut Vec<Entry>,
) -> Request {
    let bytes = request.bytes();
    let mut splitter = Splitter {
        bytes,
        dialect: request.dialect(),
        known,
        out,
        marks: Vec::new(),
    };
    let messages: Vec<Range<usize>> = request.messages().map(|m| m.json.span()).collect();
    let head = splitter.messages(request, &messages, before);
    let inside = match (messages.first(), messages.last()) {
        (Some(first), Some(last)) => Some(gap_before(first.start, request)..last.end),
        _ => None,
    };
    let frame = splitter.frame(request.root(), inside.as_ref());
    Request {
        bytes: bytes.len() as u64,
        frame: Some(frame),
        head,
        messages: u32::try_from(messages.len()).unwrap_or(u32::MAX),
        marks: splitter.marks,
        redacted: false,
    }
}

/// Where what precedes the first message begins: behind the bracket of the list.
fn gap_before(start: usize, request: &LlmRequest) -> usize {
    let lists = request.root().members();
    let list = lists
        .map(|(_, value)| value)
        .find(|value| value.kind() == Kind::Array && value.span().contains(&start));
    list.map_or(start, |list| list.span().start + 1)
}

struct Splitter<'a> {
    bytes: &'a Bytes,
    dialect: Dialect,
    known: &'a mut Known,
    out: &'a mut Vec<Entry>,
    marks: Vec<Mark>,
}

impl Splitter<'_> {
    fn messages(
        &mut self,
        request: &LlmRequest,
        spans: &[Range<usize>],
        before: &mut Turn,
    ) -> Option<ContentHash> {
        let mut turn = Turn::new(self.bytes.clone(), spans.len());
        let mut parent = ContentHash::NONE;
        let mut end = spans
            .first()
            .map_or(0, |first| gap_before(first.start, request));
        let mut is_same = true;
        for (at, message) in request.messages().enumerate() {
            let span = message.json.span();
            let gap = end..span.start;
            end = span.end;
            let place = u32::try_from(at).unwrap_or(u32::MAX);
            is_same = is_same && before.says(at, self.bytes, gap.start..span.end);
            let (node, marks) = match before.known(at).filter(|_| is_same) {
                // As most of each turn is: nothing of it is looked at again.
                Some((node, marks)) => (*node, marks.to_vec()),
                None => self.message(message.json, place, parent, gap.clone()),
            };
            self.marks.extend(marks.iter().cloned());
            turn.add(gap.start..span.end, node, marks);
            parent = node;
        }
        *before = turn;
        (parent != ContentHash::NONE).then_some(parent)
    }

    fn message(
        &mut self,
        json: Json<'_>,
        place: u32,
        parent: ContentHash,
        gap: Range<usize>,
    ) -> (ContentHash, Vec<Mark>) {
        let mut cuts = Vec::new();
        if self.dialect == Dialect::Anthropic {
            marks_of(json, &mut cuts);
        }
        if json.span().len() >= MEDIUM {
            media_of(json, DEPTH, &mut cuts);
        }
        cuts.sort_by_key(|cut| cut.span.start);
        let (body, media, marks) = self.cut(json.span(), &cuts, place);
        let message = Message::new(body, media);
        let hash = message.hash;
        if self.known.is_new(hash) {
            self.out.push(Entry::Message(message));
        }
        let gap = self.text(gap);
        let usual = if place == 0 { "" } else { "," };
        let gap = Some(&*gap).filter(|gap| **gap != *usual);
        let node = Node::new(parent, hash, place, gap);
        let id = node.id;
        if self.known.is_new(id) {
            self.out.push(Entry::Node(node));
        }
        (id, marks)
    }

    /// A message without what is cut out of it.
    fn cut(
        &mut self,
        span: Range<usize>,
        cuts: &[Cut],
        place: u32,
    ) -> (Bytes, Vec<Medium>, Vec<Mark>) {
        if cuts.is_empty() {
            return (self.bytes.slice(span), Vec::new(), Vec::new());
        }
        let (mut body, mut media, mut marks) = (Vec::new(), Vec::new(), Vec::new());
        let mut from = span.start;
        for cut in cuts {
            body.extend_from_slice(self.bytes.get(from..cut.span.start).unwrap_or_default());
            from = cut.span.end;
            let at = body.len();
            if cut.is_mark {
                marks.push(Mark {
                    message: place,
                    at: u32::try_from(at).unwrap_or(u32::MAX),
                    text: self.text(cut.span.clone()).into(),
                });
            } else {
                let content = self.content(self.bytes.slice(cut.span.clone()));
                media.push(Medium { at, content });
            }
        }
        body.extend_from_slice(self.bytes.get(from..span.end).unwrap_or_default());
        (body.into(), media, marks)
    }

    fn content(&mut self, body: Bytes) -> ContentHash {
        let content = Content::new(body);
        let hash = content.hash;
        if self.known.is_new(hash) {
            self.out.push(Entry::Content(content));
        }
        hash
    }

    /// All but what is `inside`, the messages.
    fn frame(&mut self, root: Json<'_>, inside: Option<&Range<usize>>) -> ContentHash {
        let mut parts: Vec<(Range<usize>, bool)> = Vec::new();
        for (_, value) in root.members() {
            let span = value.span();
            match inside {
                Some(inside) if span.start <= inside.start && inside.end <= span.end => {
                    parts.push((inside.clone(), true));
                }
                _ if span.len() < LARGE => {}
                _ if value.kind() == Kind::Array => {
                    let items = value.items().map(|item| item.span());
                    let large = items.filter(|item| item.len() >= LARGE);
                    parts.extend(large.map(|item| (item, false)));
                }
                _ => parts.push((span, false)),
            }
        }
        let mut pieces = Vec::new();
        let mut from = 0;
        for (span, is_inside) in parts {
            pieces.push(Piece::Text(self.text(from..span.start).into()));
            from = span.end;
            pieces.push(match is_inside {
                true => Piece::Messages,
                false => Piece::Content(self.content(self.bytes.slice(span))),
            });
        }
        pieces.push(Piece::Text(self.text(from..self.bytes.len()).into()));
        let frame = serde_json::to_vec(&Frame { pieces }).unwrap_or_default();
        self.content(frame.into())
    }

    /// A piece of the request. It is sound JSON, and so sound UTF-8.
    fn text(&self, span: Range<usize>) -> String {
        let bytes = self.bytes.get(span).unwrap_or_default();
        String::from_utf8_lossy(bytes).into_owned()
    }
}

/// Something that is kept apart from its message.
struct Cut {
    span: Range<usize>,
    is_mark: bool,
}

/// Claude Code marks the last blocks of each turn for the provider's cache, and takes the marks off in the next. The
/// message is the same.
fn marks_of(message: Json<'_>, cuts: &mut Vec<Cut>) {
    const MARK: &str = "cache_control";
    let Some(content) = message.get("content") else {
        return;
    };
    for block in content.items() {
        let mut end = None;
        for (key, value) in block.members() {
            // As a first member it stands before a comma, which nobody writes.
            if let (true, Some(end)) = (key.is(MARK), end) {
                let span = end..value.span().end;
                cuts.push(Cut {
                    span,
                    is_mark: true,
                });
            }
            end = Some(value.span().end);
        }
    }
}

/// Long texts in which pictures, documents and sounds are sent.
fn media_of(json: Json<'_>, depth: usize, cuts: &mut Vec<Cut>) {
    if json.span().len() < MEDIUM || depth == 0 {
        return;
    }
    if let [b'"', text @ .., b'"'] = json.text() {
        let is_coded = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=-_:;,.".contains(byte);
        if text.iter().all(is_coded) {
            let span = json.span().start + 1..json.span().end - 1;
            cuts.push(Cut {
                span,
                is_mark: false,
            });
        }
        return;
    }
    for item in json.items() {
        media_of(item, depth - 1, cuts);
    }
    for (_, value) in json.members() {
        media_of(value, depth - 1, cuts);
    }
}
