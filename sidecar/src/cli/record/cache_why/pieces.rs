//! A request in the order in which a provider's prompt cache reads it.

use luthien_core::{
    Dialect,
    json::{Document, Json},
};

/// A piece of a request.
pub(super) struct Piece<'a> {
    /// Its place in that order: the member, the item in it, and what of the item.
    pub(super) slot: (usize, usize, usize),
    /// Its place in the JSON, such as `messages[3].content[0]`.
    pub(super) path: String,
    pub(super) json: Json<'a>,
    /// Whether its client marks here the end of what is to be cached.
    pub(super) is_marked: bool,
}

/// What is read before the messages, in order. Each model has a cache of its own.
const ANTHROPIC: [&str; 5] = ["model", "tools", "system", "tool_choice", "thinking"];
const OPENAI: [&str; 5] = ["model", "response_format", "text", "tools", "instructions"];
/// What stands in the first system block of Claude Code, says something else in every request, and is taken out by
/// Anthropic before anything is cached.
const BILLING: &str = "x-anthropic-billing-header:";

/// The pieces of a request; without the line for the bill if `billed` does not hold.
pub(super) fn pieces(dialect: Dialect, document: &Document, billed: bool) -> Vec<Piece<'_>> {
    let root = document.root();
    let before = match dialect {
        Dialect::Anthropic => ANTHROPIC,
        _ => OPENAI,
    };
    let mut pieces = Pieces {
        dialect,
        all: Vec::new(),
    };
    for (place, name) in before.into_iter().enumerate() {
        if let Some(json) = root.get(name) {
            pieces.member(place, name, json, billed);
        }
    }
    let messages = match dialect {
        Dialect::Responses => "input",
        _ => "messages",
    };
    if let Some(json) = root.get(messages) {
        pieces.member(before.len(), messages, json, billed);
    }
    if dialect != Dialect::Anthropic
        && let Some(json) = root.get("prompt_cache_key")
    {
        // It only says where the cache is to be looked for.
        pieces.member(before.len() + 1, "prompt_cache_key", json, billed);
    }
    let marks_all = dialect == Dialect::Anthropic && is_marked(root);
    if let Some(last) = pieces.all.last_mut().filter(|_| marks_all) {
        last.is_marked = true;
    }
    pieces.all
}

struct Pieces<'a> {
    dialect: Dialect,
    all: Vec<Piece<'a>>,
}

impl<'a> Pieces<'a> {
    fn member(&mut self, place: usize, name: &str, json: Json<'a>, billed: bool) {
        let mut items = json.items().peekable();
        if items.peek().is_none() {
            return self.add((place, 0, 0), name.to_owned(), json);
        }
        for (item, json) in items.enumerate() {
            let path = format!("{name}[{item}]");
            if name == "system" && !billed && is_bill(json) {
                continue;
            }
            if name == "messages" && self.dialect == Dialect::Anthropic {
                self.message(place, item, &path, json);
            } else {
                self.add((place, item, 0), path, json);
            }
        }
    }

    /// Of a message with blocks, each of them: marks stand there.
    fn message(&mut self, place: usize, item: usize, path: &str, json: Json<'a>) {
        if let Some(role) = json.get("role") {
            self.add((place, item, 0), format!("{path}.role"), role);
        }
        let Some(content) = json.get("content") else {
            return;
        };
        if content.items().next().is_none() {
            return self.add((place, item, 1), format!("{path}.content"), content);
        }
        for (at, block) in content.items().enumerate() {
            let path = format!("{path}.content[{at}]");
            self.add((place, item, at + 1), path, block);
        }
    }

    fn add(&mut self, slot: (usize, usize, usize), path: String, json: Json<'a>) {
        let is_marked = self.dialect == Dialect::Anthropic
            && (is_marked(json)
                || json
                    .get("content")
                    .is_some_and(|content| content.items().any(is_marked)));
        self.all.push(Piece {
            slot,
            path,
            json,
            is_marked,
        });
    }
}

fn is_bill(json: Json<'_>) -> bool {
    let text = json.get("text").and_then(|text| text.as_str());
    text.is_some_and(|text| text.raw().starts_with(BILLING.as_bytes()))
}

fn is_marked(json: Json<'_>) -> bool {
    json.get(MARK).is_some_and(|mark| !mark.is_null())
}

/// Where its client marks the end of what is to be cached. It moves with every turn, and is no part of what is cached.
pub(super) const MARK: &str = "cache_control";
