//! How an entry is written: its length, a checksum, a tag, and what it says.

use bytes::Bytes;

use crate::record::{Content, ContentHash, Entry, Event, Medium, Message, Node};

/// An event, with its link in the writer's chain.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// Its place in the chain, from 1.
    pub number: u64,
    /// The hash of the link before and of the event's text.
    pub hash: ContentHash,
    /// The event's text, of which the hash is.
    pub text: Bytes,
    /// What it says.
    pub event: Box<Event>,
}

/// What lies in the spool.
#[derive(Clone, Debug, PartialEq)]
pub enum Kept {
    /// Bytes by their hash.
    Content(Content),
    /// A message by its hash.
    Message(Message),
    /// A place in the tree of conversations.
    Node(Node),
    /// Something that happened.
    Event(Link),
}

const CONTENT: u8 = 1;
const MESSAGE: u8 = 2;
const NODE: u8 = 3;
const EVENT: u8 = 4;

/// Length and checksum.
const HEAD: usize = 8;
/// No record is longer: a length beyond it is none.
const LONGEST: usize = 1 << 30;

/// The hash of an event's text behind a link.
pub(in crate::record) fn link(before: ContentHash, text: &[u8]) -> ContentHash {
    ContentHash::of_all(&[&before.bytes()[..], text])
}

/// Appends an entry to `out`; an event with its link.
pub(super) fn write(entry: &Entry, link: Option<(u64, ContentHash, &[u8])>, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&[0; HEAD]);
    match entry {
        Entry::Content(content) => {
            out.push(CONTENT);
            out.extend_from_slice(content.hash.bytes());
            out.extend_from_slice(&content.body);
        }
        Entry::Message(message) => {
            out.push(MESSAGE);
            out.extend_from_slice(message.hash.bytes());
            number(message.media.len(), out);
            for medium in &message.media {
                number(medium.at, out);
                out.extend_from_slice(medium.content.bytes());
            }
            out.extend_from_slice(&message.body);
        }
        Entry::Node(node) => {
            out.push(NODE);
            for hash in [node.id, node.parent, node.message] {
                out.extend_from_slice(hash.bytes());
            }
            out.extend_from_slice(&node.depth.to_le_bytes());
            if let Some(gap) = &node.gap {
                out.push(1);
                out.extend_from_slice(gap.as_bytes());
            }
        }
        Entry::Event(_) => {
            let (number, hash, text) = link.unwrap_or((0, ContentHash::NONE, b""));
            out.push(EVENT);
            out.extend_from_slice(&number.to_le_bytes());
            out.extend_from_slice(hash.bytes());
            out.extend_from_slice(text);
        }
    }
    let body = out.get(start + HEAD..).unwrap_or_default();
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
    let check = crc32fast::hash(body);
    if let Some(head) = out.get_mut(start..start + HEAD) {
        let (first, second) = head.split_at_mut(HEAD / 2);
        first.copy_from_slice(&length.to_le_bytes());
        second.copy_from_slice(&check.to_le_bytes());
    }
}

fn number(number: usize, out: &mut Vec<u8>) {
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    out.extend_from_slice(&number.to_le_bytes());
}

/// The record that `bytes` begin with, and how long it is. `None` if they begin with none: a crash has cut it off, or
/// somebody else has written here.
pub(super) fn body(bytes: &Bytes) -> Option<(Bytes, usize)> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (check, rest) = rest.split_first_chunk()?;
    let length = u32::from_le_bytes(*length) as usize;
    let body = rest.get(..length).filter(|_| length <= LONGEST)?;
    let is_sound = !body.is_empty() && crc32fast::hash(body) == u32::from_le_bytes(*check);
    is_sound.then(|| (bytes.slice(HEAD..HEAD + length), HEAD + length))
}

/// Whether a record holds a body, which can be done without in need.
pub(super) fn is_body(body: &[u8]) -> bool {
    matches!(body.first(), Some(&(CONTENT | MESSAGE)))
}

/// What a record says. `None` if it says nothing that this version knows.
pub(super) fn read(body: &Bytes) -> Option<Kept> {
    let mut reader = Reader(body.clone());
    Some(match *reader.bytes(1)?.first()? {
        CONTENT => Kept::Content(Content {
            hash: reader.hash()?,
            body: reader.0,
        }),
        MESSAGE => {
            let hash = reader.hash()?;
            let count = reader.number()?;
            let mut media = Vec::new();
            for _ in 0..count {
                media.push(Medium {
                    at: reader.number()?,
                    content: reader.hash()?,
                });
            }
            Kept::Message(Message {
                hash,
                body: reader.0,
                media,
            })
        }
        NODE => {
            let (id, parent, message) = (reader.hash()?, reader.hash()?, reader.hash()?);
            let depth = u32::try_from(reader.number()?).ok()?;
            let gap = match reader.0.split_first() {
                Some((1, gap)) => Some(str::from_utf8(gap).ok()?.into()),
                _ => None,
            };
            Kept::Node(Node {
                id,
                parent,
                message,
                depth,
                gap,
            })
        }
        EVENT => {
            let number = u64::from_le_bytes(reader.bytes(8)?.as_ref().try_into().ok()?);
            let hash = reader.hash()?;
            let event = serde_json::from_slice(&reader.0).ok()?;
            Kept::Event(Link {
                number,
                hash,
                text: reader.0,
                event,
            })
        }
        _ => return None,
    })
}

struct Reader(Bytes);

impl Reader {
    fn bytes(&mut self, count: usize) -> Option<Bytes> {
        (self.0.len() >= count).then(|| self.0.split_to(count))
    }

    fn hash(&mut self) -> Option<ContentHash> {
        ContentHash::read(&self.bytes(32)?)
    }

    fn number(&mut self) -> Option<usize> {
        let bytes = self.bytes(4)?;
        Some(u32::from_le_bytes(bytes.as_ref().try_into().ok()?) as usize)
    }
}

/// The number and hash of an event's link, without reading the event.
pub(super) fn link_of(body: &[u8]) -> Option<(u64, ContentHash)> {
    let rest = body.strip_prefix(&[EVENT])?;
    let (number, rest) = rest.split_first_chunk()?;
    let hash = ContentHash::read(rest.get(..32)?)?;
    Some((u64::from_le_bytes(*number), hash))
}
