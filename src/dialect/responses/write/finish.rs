//! The end of a stream that is of our own making.

use bytes::Bytes;

use super::{MOST, Writer};
use crate::{
    body::Chunk,
    dialect::{
        list::array,
        responses::{
            answer::{Response, USAGE, message_of},
            request,
        },
    },
    json::{Document, Edits, Json, quote},
    request::BlockKind,
};

impl Writer {
    pub(super) fn end(&mut self, out: &mut Vec<Chunk>) {
        if std::mem::replace(&mut self.is_over, true) {
            return;
        }
        self.close_items(out);
        let items = self.items.iter().filter_map(|(number, item)| {
            let wire = self.numbers.get(*number)?;
            Some((wire, item.done.clone()?))
        });
        let own = self.own.iter().map(|(wire, item)| (*wire, item.clone()));
        let mut output: Vec<_> = items.chain(own).collect();
        output.sort_by_key(|(wire, _)| *wire);
        let output: Vec<_> = output.into_iter().map(|(_, item)| item).collect();
        let response = self.completed(&array(&output));
        let members = format!("\"response\":{}", String::from_utf8_lossy(&response));
        self.write(out, |events| events.push("response.completed", &members));
    }

    /// Ends the items that are open on the wire, save calls and thoughts: at its end the client would run the one, and send
    /// the other back without its seal.
    fn close_items(&mut self, out: &mut Vec<Chunk>) {
        let open: Vec<_> = self
            .items
            .iter()
            .filter(|(_, item)| item.added.is_some() && item.done.is_none())
            .map(|(number, _)| *number)
            .collect();
        for number in open {
            self.close_item(number, out);
        }
    }

    fn close_item(&mut self, number: u32, out: &mut Vec<Chunk>) {
        let Some((index, item)) = self.numbers.get(number).zip(self.items.remove(&number)) else {
            return;
        };
        let mut item = item;
        let added = item.added.as_ref().and_then(Chunk::document);
        let begun = added.as_ref().and_then(|added| added.root().get("item"));
        if let Some(begun) = begun {
            let id = item.id();
            if request::is_message(begun) {
                if item.parts.values().any(|said| said.text.len() > MOST) {
                    self.items.insert(number, item);
                    return;
                }
                for (part, said) in &item.parts {
                    let part = item.numbers.get(*part).unwrap_or(*part);
                    if !said.is_done {
                        self.write(out, |events| {
                            events.part_done(index, &id, part, &said.text, said.is_refusal);
                        });
                    }
                }
                let parts = item.parts.values();
                let parts: Vec<_> = parts
                    .map(|said| (said.text.as_str(), said.is_refusal))
                    .collect();
                item.done = Some(message_of(&id, &parts).into());
            } else if !matches!(
                request::block(begun).content.kind(),
                BlockKind::ToolCall | BlockKind::Thinking | BlockKind::RedactedThinking
            ) {
                item.done = Some(done(begun, added.as_ref().map(Document::bytes)));
            }
        }
        if let Some(done) = &item.done {
            let done = String::from_utf8_lossy(done);
            self.write(out, |events| events.item_done(index, &done));
        }
        self.items.insert(number, item);
    }

    /// The response as it ends, with this output.
    fn completed(&self, output: &[u8]) -> Bytes {
        let document = self.created.as_ref().and_then(Chunk::document);
        let begun = document
            .as_ref()
            .and_then(|document| Some((document, document.root().get("response")?)));
        let Some((document, response)) = begun else {
            let response = Response {
                id: "resp_luthien",
                created: 0,
                model: "luthien",
            };
            let output = String::from_utf8_lossy(output);
            let output = output.trim_start_matches('[').trim_end_matches(']');
            return response.json("completed", output, USAGE).into();
        };
        let mut edits = Edits::default();
        edits.set_member(response, "status", quote("completed"));
        edits.set_member(response, "output", Bytes::copy_from_slice(output));
        if response.get("usage").is_none_or(|usage| usage.is_null()) {
            edits.set_member(response, "usage", USAGE);
        }
        edits.apply_in(response, document.bytes())
    }
}

/// An item that is no message as it ends: as it began.
fn done(item: Json<'_>, document: Option<&Bytes>) -> Bytes {
    let mut edits = Edits::default();
    if let Some(status) = item.get("status") {
        edits.replace(status, quote("completed"));
    }
    document.map_or_else(Bytes::new, |document| edits.apply_in(item, document))
}
