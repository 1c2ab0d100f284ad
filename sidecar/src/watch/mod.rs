//! One line in the log for every exchange, when it is over; and the end of those that are not, when we stop.

mod asked;
mod exchange;
mod observe;

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{Request, Response};
use http_body::Body;
use luthien_core::{
    BoxError,
    body::{Chunk, Tap},
    request::LlmBody,
};
use pin_project::pin_project;
use tokio_util::sync::CancellationToken;
use tower_layer::Layer;
use tower_service::Service;

pub(crate) use self::asked::{Asked, Unread};
use self::{exchange::Exchange, observe::Observer};

/// See the [module docs](self).
#[derive(Clone)]
pub(crate) struct WatchLayer {
    /// Cancelled when streams must end.
    stop: CancellationToken,
}

impl WatchLayer {
    pub(crate) fn new(stop: CancellationToken) -> Self {
        Self { stop }
    }
}

impl<S> Layer<S> for WatchLayer {
    type Service = Watch<S>;

    fn layer(&self, inner: S) -> Watch<S> {
        Watch {
            inner,
            watch: self.clone(),
        }
    }
}

/// See the [module docs](self).
#[derive(Clone)]
pub(crate) struct Watch<S> {
    inner: S,
    watch: WatchLayer,
}

impl<S, B> Service<Request<LlmBody>> for Watch<S>
where
    S: Service<Request<LlmBody>, Response = Response<B>>,
    B: Body<Data = Chunk>,
    B::Error: Into<BoxError>,
{
    type Response = Response<Tap<B, Observer>>;
    type Error = S::Error;
    type Future = WatchFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<LlmBody>) -> Self::Future {
        let exchange = Exchange::begin(&request);
        WatchFuture {
            inner: self.inner.call(request),
            watched: Some((exchange, self.watch.stop.clone())),
        }
    }
}

/// The future of [`Watch`].
#[pin_project]
pub(crate) struct WatchFuture<F> {
    #[pin]
    inner: F,
    watched: Option<(Box<Exchange>, CancellationToken)>,
}

impl<F, B, E> Future for WatchFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body<Data = Chunk>,
    B::Error: Into<BoxError>,
{
    type Output = Result<Response<Tap<B, Observer>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.inner.poll(cx))?;
        let Some((mut exchange, stop)) = this.watched.take() else {
            return Poll::Pending;
        };
        exchange.head(&response);
        Poll::Ready(Ok(Tap::over(response, Observer::new(exchange, stop))))
    }
}
