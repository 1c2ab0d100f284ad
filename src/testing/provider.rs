use std::{
    collections::VecDeque,
    convert::Infallible,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response, StatusCode, header::CONTENT_TYPE, request::Parts};
use http_body_util::BodyExt;
use tower_service::Service;

use super::{ScriptedBody, Step, cut};
use crate::request::LlmBody;

/// A provider that answers from a script, and remembers what it was asked. Clones share both.
#[derive(Clone, Debug, Default)]
pub struct Provider {
    replies: Arc<Mutex<VecDeque<Reply>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

/// A request as the provider saw it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Method, target, headers, extensions.
    pub head: Parts,
    /// The body; `None` if it failed to arrive.
    pub body: Option<Bytes>,
}

/// A response of the script.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Status and headers, and the frames of the body.
    pub response: Response<ScriptedBody<Bytes>>,
}

impl Reply {
    /// 200, with this content type and these frames.
    pub fn new(content_type: &'static str, body: ScriptedBody<Bytes>) -> Self {
        let mut response = Response::new(body);
        response
            .headers_mut()
            .insert(CONTENT_TYPE, http::HeaderValue::from_static(content_type));
        Self { response }
    }

    /// 200, a stream of events, cut anywhere.
    pub fn events(bytes: &Bytes, seed: u64) -> Self {
        Self::new(
            "text/event-stream; charset=utf-8",
            ScriptedBody::of(cut(bytes, seed)),
        )
    }

    /// 200, JSON, cut anywhere.
    pub fn json(bytes: &Bytes, seed: u64) -> Self {
        Self::new("application/json", ScriptedBody::of(cut(bytes, seed)))
    }

    /// A stream that takes these steps.
    pub fn steps(steps: impl IntoIterator<Item = Step<Bytes>>) -> Self {
        Self::new("text/event-stream", ScriptedBody::new(steps))
    }

    /// With another status.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        *self.response.status_mut() = status;
        self
    }
}

impl Provider {
    /// A provider that gives these replies, one to each request, the last of them over and over.
    pub fn new(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self {
            replies: Arc::new(Mutex::new(replies.into_iter().collect())),
            seen: Arc::default(),
        }
    }

    /// What it was asked so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn next(&self) -> Reply {
        let mut replies = self.replies.lock().unwrap_or_else(PoisonError::into_inner);
        let last = replies.len() <= 1;
        let reply = if last {
            replies.front().cloned()
        } else {
            replies.pop_front()
        };
        reply.unwrap_or_else(|| Reply::json(&Bytes::from_static(b"{}"), 0))
    }
}

impl Service<Request<LlmBody>> for Provider {
    type Response = Response<ScriptedBody<Bytes>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<LlmBody>) -> Self::Future {
        let provider = self.clone();
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let body = body
                .collect()
                .await
                .ok()
                .map(http_body_util::Collected::to_bytes);
            provider
                .seen
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(Seen { head, body });
            Ok(provider.next().response)
        })
    }
}
