use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{Request, Response};
use http_body::Body;
use luthien_core::{
    BoxError,
    body::{Chunk, Flow, Observe, Tap},
    request::LlmBody,
};
use pin_project::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::marks::Marks;

/// Notes when requests go up and replies come, right above whatever waits for the provider. Without a
/// [`MetricsLayer`](super::MetricsLayer) above, it does nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct MetricsProviderLayer(());

impl MetricsProviderLayer {
    /// The layer. There is nothing to set.
    pub fn new() -> Self {
        Self(())
    }
}

impl<S> Layer<S> for MetricsProviderLayer {
    type Service = MetricsProvider<S>;

    fn layer(&self, inner: S) -> MetricsProvider<S> {
        MetricsProvider { inner }
    }
}

/// See [`MetricsProviderLayer`].
#[derive(Clone, Debug)]
pub struct MetricsProvider<S> {
    inner: S,
}

impl<S, B> Service<Request<LlmBody>> for MetricsProvider<S>
where
    S: Service<Request<LlmBody>, Response = Response<B>>,
    B: Body<Data = Chunk>,
    B::Error: Into<BoxError>,
{
    type Response = Response<Tap<B, Option<ProviderSide>>>;
    type Error = S::Error;
    type Future = MetricsProviderFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<LlmBody>) -> Self::Future {
        let marks: Option<Marks> = request.extensions_mut().remove();
        if let Some(marks) = &marks {
            marks.sent();
        }
        MetricsProviderFuture {
            inner: self.inner.call(request),
            marks,
        }
    }
}

/// The future of [`MetricsProvider`].
#[pin_project]
#[derive(Debug)]
pub struct MetricsProviderFuture<F> {
    #[pin]
    inner: F,
    marks: Option<Marks>,
}

impl<F, B, E> Future for MetricsProviderFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body<Data = Chunk>,
    B::Error: Into<BoxError>,
{
    type Output = Result<Response<Tap<B, Option<ProviderSide>>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.inner.poll(cx))?;
        let marks = this.marks.take();
        if let Some(marks) = &marks {
            marks.answered();
        }
        Poll::Ready(Ok(Tap::over(response, marks.map(ProviderSide))))
    }
}

/// Notes when something of a reply comes.
#[derive(Debug)]
pub struct ProviderSide(Marks);

impl Observe for ProviderSide {
    fn on_chunk(&mut self, _: &Chunk) -> Flow {
        self.0.came();
        Flow::Forward
    }
}
