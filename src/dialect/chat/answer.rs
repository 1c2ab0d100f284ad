//! Replies of our own.

use crate::{
    Dialect,
    body::Chunk,
    dialect::wire::{data, quoted},
    reply::Answer,
};

pub(crate) fn chunks(answer: &Answer<'_>, stream: bool) -> Vec<Chunk> {
    let id = quoted(&format!("chatcmpl-{}", answer.id));
    let (created, model, text) = (answer.created, quoted(answer.model()), quoted(answer.text));
    if stream {
        let envelope = envelope(&id, created, &model);
        return vec![
            delta(&envelope, 0, r#""role":"assistant","content":"""#, None),
            delta(&envelope, 0, &format!("\"content\":{text}"), None),
            delta(&envelope, 0, "", Some("stop")),
            done(),
        ];
    }
    let reply = format!(
        r#"{{"id":{id},"object":"chat.completion","created":{created},"model":{model},"choices":[{{"index":0,"message":{{"role":"assistant","content":{text},"refusal":null}},"logprobs":null,"finish_reason":"stop"}}],"usage":{{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}}}}"#
    );
    vec![Chunk::whole(Dialect::Chat, reply.into())]
}

/// The members that all chunks of a stream have; `id` and `model` are JSON.
pub(super) fn envelope(id: &str, created: u64, model: &str) -> String {
    format!(r#""id":{id},"object":"chat.completion.chunk","created":{created},"model":{model}"#)
}

/// A chunk with these members in its delta.
pub(super) fn delta(envelope: &str, choice: u32, members: &str, finish: Option<&str>) -> Chunk {
    let finish = finish.map_or("null".to_owned(), quoted);
    data(
        Dialect::Chat,
        &format!(
            r#"{{{envelope},"choices":[{{"index":{choice},"delta":{{{members}}},"logprobs":null,"finish_reason":{finish}}}]}}"#
        ),
    )
}

/// A text in a content that is a list of parts.
pub(super) fn part(text: &str) -> String {
    format!(r#"{{"type":"text","text":{}}}"#, quoted(text))
}

pub(super) fn done() -> Chunk {
    data(Dialect::Chat, "[DONE]")
}
