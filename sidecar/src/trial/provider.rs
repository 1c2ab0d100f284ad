use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::stream::{self, Iter};
use http::{HeaderValue, Request, Response, StatusCode, header::CONTENT_TYPE};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use luthien_core::request::LlmBody;
use tower_service::Service;

use super::Scenario;

/// Says what it is told to, and remembers what it was asked.
#[derive(Clone)]
pub(super) struct Provider {
    reply: Vec<Bytes>,
    streamed: bool,
    status: StatusCode,
    asked: Arc<Mutex<Option<Bytes>>>,
}

impl Provider {
    pub(super) fn new(scenario: &Scenario, status: StatusCode) -> Self {
        Self {
            reply: scenario.reply.clone(),
            streamed: scenario.streamed,
            status,
            asked: Arc::default(),
        }
    }

    /// What it was asked, if it was.
    pub(super) fn asked(&self) -> Option<Bytes> {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.clone()
    }
}

type Frames = Iter<std::vec::IntoIter<Result<Frame<Bytes>, Infallible>>>;

impl Service<Request<LlmBody>> for Provider {
    type Response = Response<StreamBody<Frames>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<LlmBody>) -> Self::Future {
        let provider = self.clone();
        Box::pin(async move {
            // What comes here was in memory all along.
            let body = request.into_body().collect().await.ok();
            let mut asked = provider
                .asked
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            *asked = body.map(http_body_util::Collected::to_bytes);
            let frames = provider
                .reply
                .into_iter()
                .map(|bytes| Ok(Frame::data(bytes)));
            let frames: Vec<_> = frames.collect();
            let mut response = Response::new(StreamBody::new(stream::iter(frames)));
            *response.status_mut() = provider.status;
            let kind = if provider.streamed {
                HeaderValue::from_static("text/event-stream")
            } else {
                HeaderValue::from_static("application/json")
            };
            response.headers_mut().insert(CONTENT_TYPE, kind);
            Ok(response)
        })
    }
}
