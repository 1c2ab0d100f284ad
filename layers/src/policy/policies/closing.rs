//! Words of ours at the end of a turn: when they are said, and how they are taken out again.
//!
//! The client sends them back with the history. The provider is to see what it wrote and nothing else: its prefix cache goes
//! by the bytes, and a model that reads such words in its own mouth begins to say them.

use std::mem;

use luthien_core::{
    Dialect,
    facts::Purpose,
    json::{Edits, Json, quote},
    request::{Block, Content, LlmRequest, Role},
};
use serde::{Deserialize, Serialize};

use crate::policy::{Context, ReplyEnd};

/// What is said: a paragraph of its own.
pub(super) struct Closing {
    /// Up to the name of the conversation, if that is part of it.
    before: String,
    /// Behind that name.
    after: Option<String>,
}

/// What separates it from the model's words.
const GAP: &str = "\n\n";
/// Others may have said something behind it: so many paragraphs,
const OTHERS: usize = 4;
/// each a line of at most so many bytes.
const LINE: usize = 1_000;

impl Closing {
    /// Always the same words.
    pub(super) fn fixed(words: &str) -> Self {
        Self {
            before: format!("{GAP}{words}"),
            after: None,
        }
    }

    /// Words with the name of the conversation in them.
    pub(super) fn with_session(before: &str, after: &str) -> Self {
        Self {
            before: format!("{GAP}{before}"),
            after: Some(after.to_owned()),
        }
    }

    /// What is appended to the last text. `session` must consist of characters that URLs may hold.
    pub(super) fn words(&self, session: &str) -> String {
        match &self.after {
            Some(after) => [&self.before, session, after].concat(),
            None => self.before.clone(),
        }
    }

    /// Takes the words out of everything that the model is said to have said.
    pub(super) fn edits(&self, request: &LlmRequest) -> Edits {
        let mut edits = Edits::default();
        // Items of nothing but our words.
        let mut ours = Vec::new();
        let mut begun = false;
        for message in request.messages() {
            if message.role != Role::Assistant {
                begun = false;
                continue;
            }
            let (mut kept, mut dropped) = (0, Vec::new());
            for block in message.blocks() {
                let stripped = match block.content {
                    Content::Text { text } => self.stripped(&text.decode(), begun),
                    _ => None,
                };
                begun = true;
                match (stripped, place(&block)) {
                    (Some(stripped), _) if stripped.is_empty() => dropped.push(block.json.span()),
                    (Some(stripped), Some(json)) => {
                        kept += 1;
                        edits.replace(json, quote(&stripped));
                    }
                    _ => kept += 1,
                }
            }
            match message.json.get("content") {
                _ if dropped.is_empty() => {}
                Some(content) if kept > 0 => {
                    edits.remove_items(content, |_, block| dropped.contains(&block.span()));
                }
                _ => ours.push(message.json.span()),
            }
        }
        // There every message is an item of a list, and one of nothing may be missing.
        if let (Dialect::Responses, Some(input)) = (request.dialect(), request.root().get("input"))
        {
            edits.remove_items(input, |_, item| ours.contains(&item.span()));
        }
        edits
    }

    /// The text without the words, if they stand at its end; or at its beginning, where something was `begun` before it:
    /// then they may have been given a text of their own.
    fn stripped(&self, text: &str, begun: bool) -> Option<String> {
        let alone = || Some(("", text.strip_prefix(self.before.trim_start())?));
        let parts = text.rsplit_once(&self.before);
        let (said, rest) = parts.or_else(|| alone().filter(|_| begun))?;
        let rest = match &self.after {
            Some(after) => rest
                .trim_start_matches(is_of_session)
                .strip_prefix(after.as_str())?,
            None => rest,
        };
        if !is_of_others(rest) {
            return None;
        }
        match said.trim().is_empty() {
            false => Some([said, rest].concat()),
            true if begun => Some(rest.trim_start().to_owned()),
            // A text of nothing is one that providers refuse.
            true => None,
        }
    }
}

/// Where the text of a text block stands: it is a plain string, or has a member.
fn place<'a>(block: &Block<'a>) -> Option<Json<'a>> {
    match block.json.as_str() {
        Some(_) => Some(block.json),
        None => block.json.get("text"),
    }
}

/// What the name of a conversation in a URL consists of.
fn is_of_session(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~%".contains(c)
}

/// Whether what stands behind the words may have been put there by others like us.
fn is_of_others(rest: &str) -> bool {
    let mut paragraphs = rest.split(GAP);
    // In front of the first gap there is nothing.
    paragraphs.next() == Some("")
        && paragraphs.clone().count() <= OTHERS
        && paragraphs.all(|line| !line.is_empty() && line.len() <= LINE && !line.contains('\n'))
}

/// Whether a turn of the conversation has come to its end here, with words that somebody reads.
pub(super) fn is_read(end: &ReplyEnd, cx: &Context) -> bool {
    let is_turn = matches!(cx.exchange().purpose, None | Some(Purpose::Turn));
    let is_errand = || {
        let request = cx.request();
        request.is_none_or(|request| request.max_output_tokens() == Some(1) || wants_data(request))
    };
    is_turn && end.is_final() && end.has_text && !is_errand()
}

/// Whether the reply is to be read by a program: anything but what was asked for would break it.
fn wants_data(request: &LlmRequest) -> bool {
    let root = request.root();
    let within = |outer: &str, inner: &str| root.get(outer)?.get(inner);
    let is_set = |json: Option<Json<'_>>| json.is_some_and(|json| !json.is_null());
    let is_json = |format: Option<Json<'_>>| {
        let kind = format.and_then(|format| format.get("type")?.as_str());
        kind.is_some_and(|kind| kind.decode().starts_with("json_"))
    };
    is_set(within("output_config", "format"))
        || is_set(root.get("output_format"))
        || is_json(root.get("response_format"))
        || is_json(within("text", "format"))
}

/// What a policy remembers that says something once.
#[derive(Default, Serialize, Deserialize)]
struct Said {
    said: bool,
}

/// Whether this is the first time in the conversation. From now on it is not.
pub(super) fn is_first(cx: &Context) -> bool {
    let first = cx.update_state(|state: &mut Said| !mem::replace(&mut state.said, true));
    first.unwrap_or(false)
}

#[cfg(test)]
mod tests;
