//! For tests of layers: scripted bodies, a scripted provider, recorded replies, and the table of endings.
//!
//! A test of a layer plays a [`recorded`] reply through it, cut at random by [`cut`], streamed and whole, in all
//! dialects; it asserts on the bytes that the client gets and on those that the [`Provider`] has [seen](Provider::seen).
//! A body of one's own goes through [`endings::check`].

pub mod endings;
pub mod protocol;
mod provider;
mod script;

pub use provider::{Provider, Reply, Seen};
pub use script::{ScriptedBody, Step};

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::BodyExt;
use tower_service::Service;

use crate::{BoxError, Dialect};

/// A reply with everything in it that its dialect has: thinking, text, parallel tool calls, usage; in Chat a second
/// choice that refuses. `stream` tells in which form; both say the same.
pub fn recorded(dialect: Dialect, stream: bool) -> Bytes {
    Bytes::from_static(match (dialect, stream) {
        (Dialect::Anthropic, true) => include_bytes!("streams/anthropic.sse"),
        (Dialect::Anthropic, false) => include_bytes!("streams/anthropic.json"),
        (Dialect::Chat, true) => include_bytes!("streams/chat.sse"),
        (Dialect::Chat, false) => include_bytes!("streams/chat.json"),
        (Dialect::Responses, true) => include_bytes!("streams/responses.sse"),
        (Dialect::Responses, false) => include_bytes!("streams/responses.json"),
    })
}

/// A small request that asks for such a reply.
pub fn request(dialect: Dialect, stream: bool) -> Bytes {
    let messages = match dialect {
        Dialect::Responses => "input",
        _ => "messages",
    };
    let body = format!(
        r#"{{"model":"mock-large","max_tokens":100,"{messages}":[{{"role":"user","content":"Say hello"}}],"stream":{stream}}}"#
    );
    body.into()
}

/// A request as a coding agent sends it in the middle of its work, of about this many bytes: a system prompt, 16 tools
/// with their schemas (if there is room for them), and turns of calls and results full of source code.
pub fn conversation(dialect: Dialect, length: usize, stream: bool) -> Bytes {
    let (messages, call, result) = match dialect {
        Dialect::Responses => (
            "input",
            r#"{"type":"function_call","call_id":"call_@","name":"bash","arguments":"{\"command\":\"cat src/file@.rs | head -50\"}"}"#,
            r#"{"type":"function_call_output","call_id":"call_@","output":"%"}"#,
        ),
        Dialect::Chat => (
            "messages",
            r#"{"role":"assistant","content":null,"tool_calls":[{"id":"call_@","type":"function","function":{"name":"bash","arguments":"{\"command\":\"cat src/file@.rs | head -50\"}"}}]}"#,
            r#"{"role":"tool","tool_call_id":"call_@","content":"%"}"#,
        ),
        Dialect::Anthropic => (
            "messages",
            r#"{"role":"assistant","content":[{"type":"text","text":"Let me look at file @."},{"type":"tool_use","id":"toolu_@","name":"Bash","input":{"command":"cat src/file@.rs | head -50"}}]}"#,
            r#"{"role":"user","content":[{"tool_use_id":"toolu_@","type":"tool_result","content":"%","is_error":false}]}"#,
        ),
    };
    let code = r#"    let value = self.peek()?; // the next one, \"quoted\"\n    if value == 3 { return Ok(()); }\n"#;
    let tool = |number: usize| {
        let description = "Executes a command and returns its output. ".repeat(24);
        let schema = r#"{"type":"object","properties":{"command":{"description":"The command to execute","type":"string"},"timeout":{"description":"Optional timeout in milliseconds","type":"number"},"mode":{"type":"string","enum":["a","b","c"]}},"required":["command"],"additionalProperties":false}"#;
        match dialect {
            Dialect::Chat => format!(
                r#"{{"type":"function","function":{{"name":"tool{number}","description":"{description}","parameters":{schema}}}}}"#
            ),
            Dialect::Responses => format!(
                r#"{{"type":"function","name":"tool{number}","description":"{description}","parameters":{schema},"strict":false}}"#
            ),
            Dialect::Anthropic => {
                format!(
                    r#"{{"name":"Tool{number}","description":"{description}","input_schema":{schema}}}"#
                )
            }
        }
    };
    let tools: Vec<_> = (0..if length < 40_000 { 0 } else { 16 })
        .map(tool)
        .collect();
    let tools = tools.join(",");
    let mut turns = vec![r#"{"role":"user","content":"Fix the parser."}"#.to_owned()];
    let mut size = tools.len() + 200;
    // The last result is cut to size.
    while size < length {
        let number = turns.len().to_string();
        let result = result.replace('%', &code.repeat(10));
        for turn in [call, &result] {
            let turn = turn.replace('@', &number);
            size += turn.len() + 1;
            turns.push(turn);
        }
    }
    let turns = turns.join(",");
    let body = format!(
        r#"{{"model":"claude-opus-5-5","max_tokens":128000,"{messages}":[{turns}],"tools":[{tools}],"stream":{stream}}}"#
    );
    body.into()
}

/// `bytes` in pieces of 1 to 40 bytes, the same for the same `seed`: networks cut anywhere.
pub fn cut(bytes: &Bytes, seed: u64) -> Vec<Bytes> {
    let mut rest = bytes.clone();
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        // xorshift64*: no more randomness is needed than that seeds differ.
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        let length = state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32;
        let length = usize::try_from(length % 40 + 1)
            .unwrap_or(1)
            .min(rest.len());
        pieces.push(rest.split_to(length));
    }
    pieces
}

/// Sends a request, its body [cut] anywhere, and reads the reply to its end: all its bytes, or what went wrong.
pub async fn send<S, B>(service: &S, request: Request<Bytes>) -> Response<Result<Bytes, String>>
where
    S: Service<Request<ScriptedBody<Bytes>>, Response = Response<B>, Error = Infallible> + Clone,
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    let mut service = service.clone();
    let ready = std::future::poll_fn(|cx| service.poll_ready(cx)).await;
    let request = request.map(|body| ScriptedBody::of(cut(&body, body.len() as u64)));
    let response = match ready {
        Ok(()) => service.call(request).await,
        Err(never) => match never {},
    };
    let (head, body) = match response {
        Ok(response) => response.into_parts(),
        Err(never) => match never {},
    };
    let body = body
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes);
    Response::from_parts(head, body.map_err(|error| error.into().to_string()))
}
