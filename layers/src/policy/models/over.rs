use std::{fmt, pin::pin};

use http::{
    HeaderName, HeaderValue, Request, Response,
    header::{ACCEPT, CONTENT_TYPE},
};
use http_body::Body;
use http_body_util::BodyExt;
use luthien_core::{
    BoxError, Dialect,
    body::Chunk,
    facts::{Caller, Destination},
    json::{Document, Limits},
    reply::{Assembler, Part, ReplyBlock, Usage},
    request::{BlockKind, LlmBody, LlmRequest},
};
use tower_service::Service;

use super::{
    Answer, CallerCredential, JudgeCredential, JudgeError, JudgeModel, Question,
    request::{TOOL, body},
};

/// Asks models over a service of the stack: the upstreams, with the inner gate above them, and whatever else is to stand
/// between, deadlines say. Policies are not.
#[derive(Clone)]
pub struct JudgeOver<S> {
    service: S,
}

impl<S> JudgeOver<S> {
    /// Asks over this service.
    pub fn new(service: S) -> Self {
        Self { service }
    }
}

impl<S> fmt::Debug for JudgeOver<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JudgeOver").finish_non_exhaustive()
    }
}

/// An answer is short. What is longer is none.
const LONGEST: usize = 256 * 1024;

impl<S, B> JudgeModel for JudgeOver<S>
where
    S: Service<Request<LlmBody>, Response = Response<B>> + Clone + Send + Sync + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: Body<Data = Chunk> + Send,
    B::Error: Into<BoxError>,
{
    async fn ask(
        &self,
        question: &Question,
        caller: &CallerCredential,
    ) -> Result<Answer, JudgeError> {
        let request = request(question, caller)?;
        let mut service = self.service.clone();
        let lost = |error: BoxError| JudgeError::Unreadable(error.to_string());
        std::future::poll_fn(|cx| service.poll_ready(cx))
            .await
            .map_err(|error| lost(error.into()))?;
        let response = service.call(request).await;
        let response = response.map_err(|error| lost(error.into()))?;
        if !response.status().is_success() {
            return Err(JudgeError::Status(response.status().as_u16()));
        }
        let mut body = pin!(response.into_body());
        let mut reply = Reply::default();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| lost(error.into()))?;
            if let Ok(chunk) = frame.into_data() {
                reply.take(&chunk)?;
            }
        }
        reply.answer()
    }
}

fn request(question: &Question, caller: &CallerCredential) -> Result<Request<LlmBody>, JudgeError> {
    let dialect = question.dialect;
    let body = LlmRequest::parse(dialect, body(question), &Limits::default())
        .map_err(|error| JudgeError::Unreadable(error.to_string()))?;
    let mut request = Request::post(dialect.path())
        .body(LlmBody::from(body))
        .map_err(|error| JudgeError::Unreadable(error.to_string()))?;
    let as_client = question.credential == JudgeCredential::Caller
        && matches!(caller.caller, Some(Caller::Client { .. }) | None);
    if as_client {
        *request.headers_mut() = caller.headers.clone();
    } else {
        // What has a key of ours is given the upstream's credential.
        request.extensions_mut().insert(Caller::Key {
            id: "judge".into(),
            name: "judge".into(),
        });
    }
    let headers = request.headers_mut();
    let json = HeaderValue::from_static("application/json");
    headers.insert(CONTENT_TYPE, json.clone());
    headers.insert(ACCEPT, json);
    if dialect == Dialect::Anthropic {
        headers.insert(
            HeaderName::from_static("anthropic-version"),
            HeaderValue::from_static("2023-06-01"),
        );
    }
    if let Some(upstream) = &question.upstream {
        request
            .extensions_mut()
            .insert(Destination(upstream.clone()));
    }
    Ok(request)
}

/// What has come of the reply.
struct Reply {
    assembler: Assembler,
    blocks: Vec<ReplyBlock>,
    usage: Usage,
    ended: bool,
}

impl Default for Reply {
    fn default() -> Self {
        Self {
            assembler: Assembler::new(LONGEST),
            blocks: Vec::new(),
            usage: Usage::default(),
            ended: false,
        }
    }
}

impl Reply {
    fn take(&mut self, chunk: &Chunk) -> Result<(), JudgeError> {
        let unreadable = |why: &str| JudgeError::Unreadable(why.to_owned());
        let Some(event) = chunk.event() else {
            return Err(unreadable("it is no JSON"));
        };
        if event.is_ambiguous() || event.is_unreadable() {
            return Err(unreadable("it can be read in two ways, or not at all"));
        }
        for part in event.parts() {
            match part {
                Part::Usage(usage) => self.usage.update(usage),
                Part::Stop { .. } => self.ended = true,
                Part::Error { message, .. } => {
                    let message = message.as_ref().map(|message| message.decode());
                    return Err(unreadable(&message.unwrap_or_default()));
                }
                _ => {}
            }
        }
        self.assembler
            .push(event, &mut self.blocks)
            .map_err(|error| unreadable(&error.to_string()))
    }

    /// The arguments of the one call that was asked for.
    fn answer(mut self) -> Result<Answer, JudgeError> {
        if !self.ended {
            return Err(JudgeError::Unreadable("it broke off".to_owned()));
        }
        self.blocks.extend(self.assembler.finish());
        let mut calls = self
            .blocks
            .into_iter()
            .filter(|block| matches!(block.kind, BlockKind::ToolCall | BlockKind::Unknown));
        let call = calls
            .next()
            .ok_or(JudgeError::Form("it said something else"))?;
        if calls.next().is_some() {
            return Err(JudgeError::Form("it answered twice"));
        }
        if call.name.as_deref() != Some(TOOL) {
            return Err(JudgeError::Form("it called another tool"));
        }
        // A key that stands twice is two answers.
        let document = Document::parse(call.input.clone().into(), &Limits::default())
            .map_err(|_| JudgeError::Form("its answer is no JSON, or can be read in two ways"))?;
        if document.root().kind() != luthien_core::json::Kind::Object {
            return Err(JudgeError::Form("its answer is no object"));
        }
        Ok(Answer {
            json: call.input,
            usage: self.usage,
        })
    }
}
