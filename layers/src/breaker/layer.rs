use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use http::{HeaderMap, Request, Response, header::RETRY_AFTER};
use http_body_util::{Either, Full};
use luthien_core::{
    Dialect,
    body::Chunk,
    reject::{Rejection, RejectionKind},
    request::LlmBody,
    upstream::{Admit, Outcome},
};
use pin_project::pin_project;
use tokio::time::Instant;
use tower_layer::Layer;
use tower_service::Service;

use super::Breakers;

/// Leaves a provider alone while it fails. See the [module docs](super).
#[derive(Clone, Debug)]
pub struct BreakerLayer {
    upstream: Arc<str>,
    breakers: Breakers,
    is_shared: bool,
}

impl BreakerLayer {
    /// Before the provider of this name.
    pub fn new(upstream: impl Into<Arc<str>>, breakers: Breakers) -> Self {
        Self {
            upstream: upstream.into(),
            breakers,
            is_shared: false,
        }
    }

    /// All who ask do so with one credential: a 429 is about all of them.
    #[must_use]
    pub fn with_shared_credential(mut self) -> Self {
        self.is_shared = true;
        self
    }
}

impl<S> Layer<S> for BreakerLayer {
    type Service = Breaker<S>;

    fn layer(&self, inner: S) -> Breaker<S> {
        Breaker {
            inner,
            settings: self.clone(),
        }
    }
}

/// See [`BreakerLayer`].
#[derive(Clone, Debug)]
pub struct Breaker<S> {
    inner: S,
    settings: BreakerLayer,
}

impl<S, B> Service<Request<LlmBody>> for Breaker<S>
where
    S: Service<Request<LlmBody>, Response = Response<B>>,
    B: http_body::Body<Data = Chunk>,
{
    type Response = Response<Either<B, Full<Chunk>>>;
    type Error = S::Error;
    type Future = BreakerFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<LlmBody>) -> Self::Future {
        let call = request.body().call();
        let dialect = request.body().dialect();
        let dialect =
            dialect.unwrap_or_else(|| Dialect::of_client(request.uri().path(), request.headers()));
        let model: Option<Box<str>> = call.and_then(|call| call.model()).map(Into::into);
        let BreakerLayer {
            upstream, breakers, ..
        } = &self.settings;
        let state = match breakers.admit(upstream, model.as_deref(), false) {
            Ok(()) => State::Asking {
                future: self.inner.call(request),
                attempt: Some(Attempt {
                    settings: self.settings.clone(),
                    model,
                    start: Instant::now(),
                    is_reported: false,
                }),
            },
            Err(wait) => State::Refused(Some((refusal(upstream, wait), dialect))),
        };
        BreakerFuture { state }
    }
}

/// In place of an upstream that is left alone.
fn refusal(upstream: &str, wait: Duration) -> Rejection {
    let seconds = wait.as_secs_f64().ceil();
    let message =
        format!("the upstream `{upstream}` fails, and is left alone: try again in {seconds} s");
    Rejection::new(RejectionKind::Unavailable, message)
        .with_code("circuit_open")
        .with_retry_after(wait)
}

/// An attempt, of which is reported what came: that nobody waited any longer, if it is dropped before.
struct Attempt {
    settings: BreakerLayer,
    model: Option<Box<str>>,
    start: Instant,
    is_reported: bool,
}

impl Attempt {
    fn report(&mut self, outcome: Outcome) {
        self.is_reported = true;
        let BreakerLayer {
            upstream, breakers, ..
        } = &self.settings;
        breakers.report(upstream, self.model.as_deref(), outcome);
    }

    fn answered<B>(&mut self, response: &Response<B>) {
        // What we say ourselves below is no answer of the provider's, but that it could not be had.
        let outcome = match response.extensions().get::<Rejection>() {
            Some(rejection) if rejection.code() == "bad_upstream" => Outcome::Unreachable,
            _ => Outcome::Answered {
                status: response.status().as_u16(),
                retry_after: retry_after(response.headers()),
                is_shared: self.settings.is_shared,
                took: self.start.elapsed(),
            },
        };
        self.report(outcome);
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if !self.is_reported {
            let after = self.start.elapsed();
            self.report(Outcome::Abandoned { after });
        }
    }
}

/// In seconds, as both vendors write it; dates are not read.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?;
    value.trim().parse().ok().map(Duration::from_secs)
}

/// The future of [`Breaker`].
#[pin_project]
pub struct BreakerFuture<F> {
    #[pin]
    state: State<F>,
}

#[pin_project(project = StateProj)]
enum State<F> {
    Asking {
        #[pin]
        future: F,
        attempt: Option<Attempt>,
    },
    /// `None` once it was given out.
    Refused(Option<(Rejection, Dialect)>),
}

impl<F, B, E> Future for BreakerFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<Either<B, Full<Chunk>>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProj::Asking { future, attempt } => {
                let answered = ready!(future.poll(cx));
                if let Some(mut attempt) = attempt.take() {
                    match &answered {
                        Ok(response) => attempt.answered(response),
                        Err(_) => attempt.report(Outcome::Unreachable),
                    }
                }
                Poll::Ready(answered.map(|response| response.map(Either::Left)))
            }
            StateProj::Refused(refusal) => match refusal.take() {
                Some((rejection, dialect)) => Poll::Ready(Ok(
                    rejection.respond(dialect, |chunk| Either::Right(Full::new(chunk)))
                )),
                // Polled after it had answered: it stays silent.
                None => Poll::Pending,
            },
        }
    }
}
