//! Whether two messages say the same, though they may be written otherwise: a client sends a model's words back in its own
//! form, drops its thinking, and writes one text now as a string and now as a list.

use std::fmt::Write;

use luthien_core::json::{Document, Json, Kind, Limits};

use super::blocks::{Block, BlockKind};

/// What a message says, in 16 bytes: what everybody must say again who says it again, and what may be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Said([u8; 16]);

/// How many of them tell what must be said again.
const MUST: usize = 8;

impl Said {
    pub(super) fn of(role: &str, blocks: &[Block]) -> Self {
        let (mut must, mut may) = (blake3::Hasher::new(), blake3::Hasher::new());
        let role = match role {
            "developer" => "system",
            "function" => "tool",
            role => role,
        };
        add(&mut must, &[role]);
        let (mut says, mut adds) = (false, false);
        for block in blocks {
            let text = block.text.as_deref().unwrap_or_default();
            match block.kind {
                BlockKind::Thinking => {
                    adds |= !text.is_empty();
                    add(&mut may, &["thinking", text]);
                }
                BlockKind::Text if text.is_empty() => {}
                BlockKind::ToolCall => {
                    says = true;
                    adds = true;
                    let name = block.tool_name.as_deref().unwrap_or_default();
                    match &block.tool_call_id {
                        Some(id) => add(&mut must, &["call", id, name]),
                        None => add(&mut must, &["call", "", name, &canonical(text)]),
                    }
                    add(&mut may, &["input", &canonical(text)]);
                }
                _ => {
                    says = true;
                    let id = block.tool_call_id.as_deref().unwrap_or_default();
                    let reference = block.reference.as_deref().unwrap_or_default();
                    add(&mut must, &[block.kind.name(), id, text, reference]);
                }
            }
        }
        let mut said = [0; 16];
        let (first, second) = said.split_at_mut(MUST);
        for (hasher, is_there, half) in [(must, says, first), (may, adds, second)] {
            if is_there {
                let hash = hasher.finalize();
                half.copy_from_slice(hash.as_bytes().first_chunk::<MUST>().unwrap_or(&[0; MUST]));
            }
        }
        Self(said)
    }

    /// Of bytes that cannot be read.
    pub(super) fn of_bytes(hash: crate::record::ContentHash) -> Self {
        Self(*hash.bytes().first_chunk().unwrap_or(&[0; 16]))
    }

    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether there is nothing in it that has to be said again: it is thinking alone.
    pub(super) fn is_thought(&self) -> bool {
        self.0.starts_with(&[0; MUST])
    }

    /// Whether it says what the other says, if perhaps less of what may be left out.
    pub(super) fn repeats(&self, other: &Self) -> bool {
        self.0.first_chunk::<MUST>() == other.0.first_chunk::<MUST>()
    }
}

fn add(hasher: &mut blake3::Hasher, words: &[&str]) {
    for word in words {
        hasher.update(&(word.len() as u64).to_le_bytes());
        hasher.update(word.as_bytes());
    }
}

/// Arguments as everybody would write them who has read them, number for number.
fn canonical(input: &str) -> String {
    let mut text = String::with_capacity(input.len());
    match Document::parse(input.to_owned().into(), &Limits::default()) {
        Ok(document) => spell(document.root(), &mut text),
        Err(_) => text.push_str(input),
    }
    text
}

fn spell(json: Json<'_>, text: &mut String) {
    match json.kind() {
        Kind::Object => {
            let mut members: Vec<_> = json
                .members()
                .map(|(key, value)| (key.decode(), value))
                .collect();
            members.sort_by(|(a, _), (b, _)| a.cmp(b));
            for (key, value) in members {
                write!(text, "{{{key:?}").ok();
                spell(value, text);
            }
            text.push('}');
        }
        Kind::Array => {
            text.push('[');
            for item in json.items() {
                spell(item, text);
                text.push(',');
            }
            text.push(']');
        }
        Kind::String => {
            let said = json.as_str().map(|text| text.decode()).unwrap_or_default();
            write!(text, "{said:?}").ok();
        }
        _ => text.push_str(&String::from_utf8_lossy(json.text())),
    }
}
