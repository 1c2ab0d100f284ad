use std::{
    sync::Arc,
    task::{Context, Poll},
};

use http::{Extensions, Request, Response};
use http_body::Body;
use http_body_util::{Either, Full};
use luthien_core::{
    body::Chunk,
    facts::Repairs,
    reject::{Rejection, RejectionKind},
    request::{LlmBody, Shape},
};
use tower_layer::Layer;
use tower_service::Service;

use super::repair::{self, Repair};
use crate::future::ResponseFuture;

/// Limits what a request may hold, and repairs what it should not. See the [module docs](super).
#[derive(Clone, Debug)]
pub struct LimitLayer {
    limits: Arc<Limits>,
}

#[derive(Clone, Copy, Debug)]
struct Limits {
    most: Shape,
    repair: Repair,
}

impl LimitLayer {
    /// At most 10,000 messages, 100,000 blocks and 2,000 tools, and both repairs.
    pub fn new() -> Self {
        let most = Shape {
            messages: 10_000,
            blocks: 100_000,
            tools: 2_000,
        };
        Self {
            limits: Arc::new(Limits {
                most,
                repair: Repair::default(),
            }),
        }
    }

    /// The most messages; in the Responses dialect, input items.
    #[must_use]
    pub fn with_messages(mut self, most: usize) -> Self {
        Arc::make_mut(&mut self.limits).most.messages = most;
        self
    }

    /// The most content blocks in all messages and the system prompt.
    #[must_use]
    pub fn with_blocks(mut self, most: usize) -> Self {
        Arc::make_mut(&mut self.limits).most.blocks = most;
        self
    }

    /// The most tool definitions.
    #[must_use]
    pub fn with_tools(mut self, most: usize) -> Self {
        Arc::make_mut(&mut self.limits).most.tools = most;
        self
    }

    /// Which mistakes to repair.
    #[must_use]
    pub fn with_repair(mut self, repair: Repair) -> Self {
        Arc::make_mut(&mut self.limits).repair = repair;
        self
    }
}

impl Default for LimitLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for LimitLayer {
    type Service = Limit<S>;

    fn layer(&self, inner: S) -> Limit<S> {
        Limit {
            inner,
            limits: self.limits.clone(),
        }
    }
}

/// See [`LimitLayer`].
#[derive(Clone, Debug)]
pub struct Limit<S> {
    inner: S,
    limits: Arc<Limits>,
}

impl<S, B> Service<Request<LlmBody>> for Limit<S>
where
    S: Service<Request<LlmBody>, Response = Response<B>>,
    B: Body<Data = Chunk>,
{
    type Response = Response<Either<B, Full<Chunk>>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, Chunk>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<LlmBody>) -> Self::Future {
        let Some(dialect) = request.body().dialect() else {
            return ResponseFuture::forward(self.inner.call(request));
        };
        match self.limits.admit(request.body_mut()) {
            Ok(repairs) => {
                let mut facts = Extensions::new();
                if repairs != Repairs::default() {
                    facts.insert(repairs);
                }
                ResponseFuture::forward(self.inner.call(request)).with_facts(facts)
            }
            Err(rejection) => ResponseFuture::reject(rejection, dialect, |chunk| chunk),
        }
    }
}

impl Limits {
    fn admit(&self, body: &mut LlmBody) -> Result<Repairs, Rejection> {
        if let Some(call) = body.call() {
            let shape = call.shape();
            for (what, code, found, most) in [
                (
                    "messages",
                    "too_many_messages",
                    shape.messages,
                    self.most.messages,
                ),
                (
                    "content blocks",
                    "too_many_blocks",
                    shape.blocks,
                    self.most.blocks,
                ),
                ("tools", "too_many_tools", shape.tools, self.most.tools),
            ] {
                if found > most {
                    let message =
                        format!("the request has {found} {what}; at most {most} are allowed");
                    return Err(Rejection::new(RejectionKind::TooLarge, message).with_code(code));
                }
            }
        }
        repair::repair(body, self.repair)
    }
}
