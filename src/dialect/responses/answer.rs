//! Replies of our own.

use crate::{
    Dialect,
    body::Chunk,
    dialect::wire::{event, quoted},
    reply::Answer,
};

pub(super) const USAGE: &str = r#"{"input_tokens":0,"input_tokens_details":{"cached_tokens":0},"output_tokens":0,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":0}"#;

pub(crate) fn chunks(answer: &Answer<'_>, stream: bool) -> Vec<Chunk> {
    let response = Response {
        id: &format!("resp_{}", answer.id),
        created: answer.created,
        model: answer.model(),
    };
    let id = format!("msg_{}", answer.id);
    let whole = response.json("completed", &message(&id, answer.text), USAGE);
    if !stream {
        return vec![Chunk::whole(Dialect::Responses, whole.into())];
    }
    let begun = format!(r#""response":{}"#, response.json("in_progress", "", "null"));
    let mut events = Events::default();
    events.push("response.created", &begun);
    events.push("response.in_progress", &begun);
    events.message(0, &id, answer.text);
    events.push("response.completed", &format!(r#""response":{whole}"#));
    events.out
}

/// What a response object says of itself.
pub(super) struct Response<'a> {
    pub(super) id: &'a str,
    pub(super) created: u64,
    pub(super) model: &'a str,
}

impl Response<'_> {
    /// `output` and `usage` are JSON, the former without its brackets.
    pub(super) fn json(&self, status: &str, output: &str, usage: &str) -> String {
        let Self { created, .. } = self;
        let (id, model) = (quoted(self.id), quoted(self.model));
        format!(
            r#"{{"id":{id},"object":"response","created_at":{created},"status":"{status}","error":null,"incomplete_details":null,"instructions":null,"max_output_tokens":null,"metadata":{{}},"model":{model},"output":[{output}],"parallel_tool_calls":true,"previous_response_id":null,"store":false,"temperature":null,"text":{{"format":{{"type":"text"}}}},"tool_choice":"auto","tools":[],"top_p":null,"truncation":"disabled","usage":{usage}}}"#
        )
    }
}

/// A message of one text, as an output item.
pub(super) fn message(id: &str, text: &str) -> String {
    item(id, "completed", &part(text))
}

fn item(id: &str, status: &str, content: &str) -> String {
    let id = quoted(id);
    format!(
        r#"{{"id":{id},"type":"message","status":"{status}","role":"assistant","content":[{content}]}}"#
    )
}

fn part(text: &str) -> String {
    let text = quoted(text);
    format!(r#"{{"type":"output_text","text":{text},"annotations":[],"logprobs":[]}}"#)
}

/// The id of a message of our own: unlike those of the provider, and of other replies.
pub(super) fn own_id(response: Option<&str>, number: usize) -> String {
    let response = response.unwrap_or_default();
    let unique = response.strip_prefix("resp_").unwrap_or(response);
    format!("msg_{unique}_luthien_{number}")
}

/// Events of our own, in a row.
#[derive(Default)]
pub(super) struct Events {
    /// The number of the next.
    pub(super) next: u64,
    pub(super) out: Vec<Chunk>,
}

impl Events {
    /// `members` are those beside the type and the number.
    pub(super) fn push(&mut self, kind: &str, members: &str) {
        let number = self.next;
        self.next = number.saturating_add(1);
        let data = format!(r#"{{"type":"{kind}","sequence_number":{number},{members}}}"#);
        self.out.push(event(Dialect::Responses, kind, &data));
    }

    /// A message of one text, from its beginning to its end.
    pub(super) fn message(&mut self, index: u32, id: &str, text: &str) {
        let begun = item(id, "in_progress", "");
        self.push(
            "response.output_item.added",
            &format!(r#""output_index":{index},"item":{begun}"#),
        );
        let place = place(id, index, 0);
        let empty = part("");
        self.push(
            "response.content_part.added",
            &format!(r#"{place},"part":{empty}"#),
        );
        self.text_delta(index, id, 0, text);
        self.part_done(index, id, 0, text, false);
        self.item_done(index, &message(id, text));
    }

    pub(super) fn text_delta(&mut self, index: u32, id: &str, part: u32, text: &str) {
        let (place, text) = (place(id, index, part), quoted(text));
        self.push(
            "response.output_text.delta",
            &format!(r#"{place},"delta":{text},"logprobs":[]"#),
        );
    }

    /// The end of a part of a message: text, or a refusal.
    pub(super) fn part_done(
        &mut self,
        index: u32,
        id: &str,
        part: u32,
        text: &str,
        is_refusal: bool,
    ) {
        let (place, words, whole) = (place(id, index, part), quoted(text), self::part(text));
        if is_refusal {
            self.push(
                "response.refusal.done",
                &format!(r#"{place},"refusal":{words}"#),
            );
            let whole = refusal(text);
            self.push(
                "response.content_part.done",
                &format!(r#"{place},"part":{whole}"#),
            );
            return;
        }
        self.push(
            "response.output_text.done",
            &format!(r#"{place},"text":{words},"logprobs":[]"#),
        );
        self.push(
            "response.content_part.done",
            &format!(r#"{place},"part":{whole}"#),
        );
    }

    pub(super) fn item_done(&mut self, index: u32, item: &str) {
        self.push(
            "response.output_item.done",
            &format!(r#""output_index":{index},"item":{item}"#),
        );
    }
}

fn refusal(text: &str) -> String {
    format!(r#"{{"type":"refusal","refusal":{}}}"#, quoted(text))
}

/// A message as it ends, of these parts; `true` marks a refusal.
pub(super) fn message_of(id: &str, parts: &[(&str, bool)]) -> String {
    let parts = parts.iter().map(|(text, is_refusal)| {
        if *is_refusal {
            refusal(text)
        } else {
            part(text)
        }
    });
    item(id, "completed", &parts.collect::<Vec<_>>().join(","))
}

fn place(id: &str, index: u32, part: u32) -> String {
    let id = quoted(id);
    format!(r#""item_id":{id},"output_index":{index},"content_index":{part}"#)
}
