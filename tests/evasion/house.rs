//! The house under test: the two gates, and a policy that knows a blocked call by its marks.

use std::{convert::Infallible, fmt};

use bytes::Bytes;
use futures_util::StreamExt;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use luthien::{
    gate,
    policy::{
        Context, Denial, Entry, Policy, PolicyError, PolicyLayer, PolicySet, PolicySettings,
        ToolCall, Verdict, Watches,
    },
};
use luthien_core::{
    Dialect,
    facts::{Caller, SessionId},
    request::LlmBody,
    testing::{Reply, ScriptedBody, Step},
};
use tower::{Layer, ServiceExt, service_fn};

use crate::{
    attempt::{Attempt, Exchange, Form},
    oracles::raw::readings,
};

/// Blocks what is marked: by the tool's name, or in the arguments, however they are written.
struct Marked;

impl Policy for Marked {
    fn watches(&self) -> Watches {
        Watches::TOOL_CALLS
    }

    async fn on_tool_call(&self, call: &ToolCall, _: &Context) -> Result<Verdict, PolicyError> {
        // Judges take their time, and not all the same.
        for _ in 0..call.input().len() % 3 {
            tokio::task::yield_now().await;
        }
        let in_arguments = readings(call.input().as_bytes()).any(|text| text.contains("LEAKARG"));
        Ok(if call.name().contains("LEAKTOOL") || in_arguments {
            Verdict::Block(Denial::new("marked", "it is marked"))
        } else {
            Verdict::Allow
        })
    }
}

/// What a client gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Got {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// Whether the transfer breaks behind these bytes.
    pub broken: bool,
}

impl Got {
    /// What the provider sent, as if nobody stood between.
    pub fn unpoliced(exchange: &Exchange) -> Self {
        Self {
            status: StatusCode::OK,
            headers: exchange.headers.clone(),
            body: exchange.body.clone(),
            broken: exchange.lost,
        }
    }

    pub fn content_type(&self) -> Option<&str> {
        self.headers.get("content-type")?.to_str().ok()
    }
}

impl fmt::Display for Got {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = if self.broken { "it breaks here" } else { "" };
        write!(
            f,
            "{} {:?}\n{}{end}",
            self.status,
            self.headers,
            String::from_utf8_lossy(&self.body)
        )
    }
}

/// One house for all attempts: each is a conversation of its own.
pub struct House(PolicyLayer);

impl House {
    pub fn new() -> Self {
        let settings = PolicySettings {
            show_arguments: false,
            ..PolicySettings::default()
        };
        let set = PolicySet::new(vec![Entry::new("marked", Marked)]).with_settings(settings);
        Self::of(PolicyLayer::new(set))
    }

    pub fn of(layer: PolicyLayer) -> Self {
        Self(layer)
    }

    /// Plays all exchanges of an attempt, the replies cut as the seed says.
    pub async fn play(&self, attempt: &Attempt, seed: u64) -> Vec<Got> {
        let session = format!("{} {seed}", attempt.name());
        let mut all = Vec::new();
        for exchange in &attempt.exchanges {
            all.push(
                self.exchange(attempt.dialect, exchange, &session, seed)
                    .await,
            );
        }
        all
    }

    pub async fn exchange(
        &self,
        dialect: Dialect,
        exchange: &Exchange,
        session: &str,
        seed: u64,
    ) -> Got {
        let request = Request::post(dialect.path())
            .extension(SessionId(session.into()))
            .extension(Caller::Client {
                fingerprint: "c".into(),
            })
            .body(Full::new(asked(dialect, exchange)))
            .unwrap();
        let reply = reply(exchange, seed);
        let provider = service_fn(move |_: Request<LlmBody>| {
            let reply = reply.clone();
            async move { Ok::<_, Infallible>(reply.response) }
        });
        let service = gate(self.0.clone()).layer(provider);
        let Ok(response) = service.oneshot(request).await;
        let (head, body) = response.into_parts();
        let mut frames = body.into_data_stream();
        let (mut body, mut broken) = (Vec::new(), false);
        while let Some(frame) = frames.next().await {
            match frame {
                Ok(data) => body.extend_from_slice(&data),
                Err(_) => broken = true,
            }
        }
        Got {
            status: head.status,
            headers: head.headers,
            body: body.into(),
            broken,
        }
    }
}

fn asked(dialect: Dialect, exchange: &Exchange) -> Bytes {
    let messages = match dialect {
        Dialect::Responses => "input",
        _ => "messages",
    };
    let count = match exchange.choices {
        1 => String::new(),
        choices => format!(r#""n":{choices},"#),
    };
    let stream = exchange.asked == Form::Stream;
    format!(
        r#"{{"model":"m","max_tokens":100,{count}"{messages}":[{{"role":"user","content":"Go on."}}],"stream":{stream}}}"#
    )
    .into()
}

/// Pieces of random lengths, short or long as the seed says.
fn pieces(bytes: &Bytes, seed: u64) -> Vec<Bytes> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let longest = 32 << (seed % 6);
    let mut rest = bytes.clone();
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        // xorshift64*: no more randomness is needed than that seeds differ.
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        let random = usize::try_from(state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33).unwrap();
        pieces.push(rest.split_to((random % longest + 1).min(rest.len())));
    }
    pieces
}

/// Seed 0 is all at once, seed 1 byte by byte; from there on it is cut anywhere, and waits between the pieces.
fn reply(exchange: &Exchange, seed: u64) -> Reply {
    let body = &exchange.body;
    let pieces = match seed {
        0 => vec![body.clone()],
        1 => (0..body.len()).map(|at| body.slice(at..=at)).collect(),
        seed => pieces(body, seed),
    };
    let mut steps = Vec::new();
    for (place, piece) in pieces.into_iter().enumerate() {
        if seed > 1 && (place as u64 + seed).is_multiple_of(7) {
            steps.push(Step::Wait);
        }
        steps.push(Step::Data(piece));
    }
    if exchange.lost {
        steps.push(Step::Fail);
    }
    let body = ScriptedBody::new(steps).with_hint(seed % 2 == 1 && !exchange.lost);
    let mut reply = Reply::new("", body);
    *reply.response.headers_mut() = exchange.headers.clone();
    reply
}

/// Without what differs and says nothing: the random names of decisions, which character a line ends with (a CR may be the
/// last byte that has come), the length.
pub fn normal(got: &Got) -> Got {
    let text = String::from_utf8_lossy(&got.body);
    let mut text = text.replace("\r\n", "\n").replace('\r', "\n");
    while text.contains("\n\n\n") {
        text = text.replace("\n\n\n", "\n\n");
    }
    let mut pieces = text.trim_start_matches('\n').split("Decision d-");
    let mut body = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        body.push_str("Decision");
        body.push_str(&piece["000000000000".len()..]);
    }
    let mut headers = got.headers.clone();
    headers.remove("content-length");
    Got {
        body: body.into(),
        headers,
        ..got.clone()
    }
}
