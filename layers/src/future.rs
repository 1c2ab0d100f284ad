//! The future of layers that either refuse at once or forward.

use std::{
    mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Buf;
use http::{Extensions, Response};
use http_body::Body;
use http_body_util::{Either, Full};
use luthien_core::{Dialect, body::Chunk, reject::Rejection};
use pin_project::pin_project;

/// The response of the inner service, or a refusal made in its place.
///
/// The body is the inner one's, or a single frame: an [`Either`], which needs nothing of either but to be a body.
#[pin_project]
#[derive(Debug)]
pub struct ResponseFuture<F, D> {
    #[pin]
    state: State<F, D>,
    /// What the layer has to say about the exchange, for the response.
    facts: Extensions,
}

#[pin_project(project = StateProj)]
#[derive(Debug)]
enum State<F, D> {
    Forward {
        #[pin]
        future: F,
    },
    Reject {
        /// `None` once it was given out.
        rejection: Option<Rejection>,
        dialect: Dialect,
        data: fn(Chunk) -> D,
    },
}

impl<F, D> ResponseFuture<F, D> {
    pub(crate) fn forward(future: F) -> Self {
        Self {
            state: State::Forward { future },
            facts: Extensions::new(),
        }
    }

    pub(crate) fn reject(rejection: Rejection, dialect: Dialect, data: fn(Chunk) -> D) -> Self {
        let state = State::Reject {
            rejection: Some(rejection),
            dialect,
            data,
        };
        Self {
            state,
            facts: Extensions::new(),
        }
    }

    #[cfg(feature = "limit")]
    pub(crate) fn with_facts(mut self, facts: Extensions) -> Self {
        self.facts = facts;
        self
    }
}

impl<F, B, E> Future for ResponseFuture<F, B::Data>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
    B::Data: Buf,
{
    type Output = Result<Response<Either<B, Full<B::Data>>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        match this.state.project() {
            StateProj::Forward { future } => {
                let mut response = ready!(future.poll(cx))?;
                response.extensions_mut().extend(mem::take(this.facts));
                Poll::Ready(Ok(response.map(Either::Left)))
            }
            StateProj::Reject {
                rejection,
                dialect,
                data,
            } => match rejection.take() {
                Some(rejection) => Poll::Ready(Ok(
                    rejection.respond(*dialect, |chunk| Either::Right(Full::new(data(chunk))))
                )),
                // Polled after it had answered: it stays silent.
                None => Poll::Pending,
            },
        }
    }
}
