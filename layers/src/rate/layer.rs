use std::{
    fmt, mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::{HeaderValue, Request, Response};
use http_body::Body;
use luthien_core::{
    BoxError, Dialect,
    body::{Chunk, Tap},
    reject::{Rejection, RejectionKind},
    request::LlmBody,
};
use pin_project::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::{
    claims, headers,
    ledger::{Decision, Denied, Grant, Ledger},
    settle::Settle,
};

/// Holds exchanges to their rules. See the [module docs](super).
#[derive(Clone)]
pub struct RateLayer {
    shared: Arc<Shared>,
}

struct Shared {
    ledger: Arc<dyn Ledger>,
    policy: Option<HeaderValue>,
}

impl RateLayer {
    /// The layer over this ledger, and the rules it keeps accounts for.
    pub fn new(ledger: impl Ledger + 'static) -> Self {
        Self::over(Arc::new(ledger))
    }

    /// The layer over a ledger that others use as well.
    pub fn over(ledger: Arc<dyn Ledger>) -> Self {
        let policy = headers::policy(ledger.rules());
        Self {
            shared: Arc::new(Shared { ledger, policy }),
        }
    }
}

impl fmt::Debug for RateLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLayer")
            .field("rules", &self.shared.ledger.rules())
            .finish()
    }
}

impl<S> Layer<S> for RateLayer {
    type Service = Rate<S>;

    fn layer(&self, inner: S) -> Rate<S> {
        Rate {
            inner,
            shared: self.shared.clone(),
        }
    }
}

/// See [`RateLayer`].
#[derive(Clone)]
pub struct Rate<S> {
    inner: S,
    shared: Arc<Shared>,
}

impl<S: fmt::Debug> fmt::Debug for Rate<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rate")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

impl<S, B> Service<Request<LlmBody>> for Rate<S>
where
    S: Service<Request<LlmBody>, Response = Response<B>> + Clone,
    B: Body<Data = Chunk>,
    B::Error: Into<BoxError>,
{
    type Response = Response<Tap<B, Settle>>;
    type Error = S::Error;
    type Future = RateFuture<S>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<LlmBody>) -> Self::Future {
        let ledger = &self.shared.ledger;
        let claims = claims::of(ledger.rules(), &request);
        let call = request.body().dialect();
        let dialect =
            call.unwrap_or_else(|| Dialect::of_client(request.uri().path(), request.headers()));
        let state = match ledger.reserve(claims) {
            Decision::Now(Ok(grant)) => {
                let settle = Settle::new(ledger.clone(), grant);
                State::Forward {
                    future: self.inner.call(request),
                    settle: Some(settle),
                }
            }
            Decision::Now(Err(denied)) => State::Refuse(Some(denied)),
            Decision::Later(decision) => {
                let ready = self.inner.clone();
                let service = mem::replace(&mut self.inner, ready);
                State::Ask {
                    decision,
                    call: Some(Box::new((service, request))),
                }
            }
        };
        RateFuture {
            state,
            shared: self.shared.clone(),
            dialect,
            is_call: call.is_some(),
        }
    }
}

/// The future of [`Rate`].
#[pin_project]
pub struct RateFuture<S: Service<Request<LlmBody>>> {
    #[pin]
    state: State<S>,
    shared: Arc<Shared>,
    dialect: Dialect,
    is_call: bool,
}

#[pin_project(project = StateProj)]
enum State<S: Service<Request<LlmBody>>> {
    /// A ledger elsewhere is asked; the service that was ready waits to be called once.
    Ask {
        decision: Pin<Box<dyn Future<Output = Result<Grant, Denied>> + Send>>,
        call: Option<Box<(S, Request<LlmBody>)>>,
    },
    Forward {
        #[pin]
        future: S::Future,
        settle: Option<Settle>,
    },
    Refuse(Option<Denied>),
}

impl<S, B> Future for RateFuture<S>
where
    S: Service<Request<LlmBody>, Response = Response<B>>,
    B: Body<Data = Chunk>,
    B::Error: Into<BoxError>,
{
    type Output = Result<Response<Tap<B, Settle>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let ledger = &this.shared.ledger;
        loop {
            let next = match this.state.as_mut().project() {
                StateProj::Ask { decision, call } => match ready!(decision.as_mut().poll(cx)) {
                    Ok(grant) => {
                        let settle = Settle::new(ledger.clone(), grant);
                        let Some(call) = call.take() else {
                            return Poll::Pending;
                        };
                        let (mut service, request) = *call;
                        State::Forward {
                            future: service.call(request),
                            settle: Some(settle),
                        }
                    }
                    Err(denied) => State::Refuse(Some(denied)),
                },
                StateProj::Forward { future, settle } => {
                    let mut response = ready!(future.poll(cx))?;
                    let Some(mut settle) = settle.take() else {
                        return Poll::Pending;
                    };
                    if let (true, Some(policy), Some(grant)) =
                        (*this.is_call, &this.shared.policy, settle.grant())
                    {
                        headers::insert(response.headers_mut(), policy, ledger.rules(), grant);
                    }
                    if !response.status().is_success() {
                        settle.refuse();
                    }
                    return Poll::Ready(Ok(Tap::over(response, settle)));
                }
                StateProj::Refuse(denied) => {
                    let Some(denied) = denied.take() else {
                        return Poll::Pending;
                    };
                    let rejection = refusal(ledger.as_ref(), denied);
                    return Poll::Ready(Ok(rejection.respond(*this.dialect, Tap::local)));
                }
            };
            this.state.set(next);
        }
    }
}

fn refusal(ledger: &dyn Ledger, denied: Denied) -> Rejection {
    let rule = ledger.rules().get(denied.rule);
    let allowed = rule.map_or_else(|| "nothing".to_owned(), ToString::to_string);
    // Of a concurrency rule nobody knows when; a second is soon enough to ask again.
    let wait = denied
        .retry_after
        .unwrap_or(std::time::Duration::from_secs(1));
    let message = format!(
        "the limit of {allowed} is reached: try again in {} s",
        headers::seconds(wait)
    );
    let rejection = Rejection::new(RejectionKind::RateLimited, message);
    let mut rejection = rejection.with_retry_after(wait);
    if let Some(policy) = headers::policy(ledger.rules()) {
        rejection = rejection.with_header(headers::POLICY, policy);
    }
    if let Some(standing) = rule.and_then(|rule| headers::exhausted(rule, wait)) {
        rejection = rejection.with_header(headers::STANDING, standing);
    }
    rejection
}
