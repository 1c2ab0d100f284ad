use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{Request, Response};
use http_body::Body;
use luthien_core::{
    BoxError,
    body::{Chunk, Form, Tap},
    request::LlmBody,
};
use pin_project::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::observe::{ProviderSide, Recording};

/// Records what goes up and what the provider answers, below whatever changes it. Without a
/// [`RecordLayer`](super::RecordLayer) above, it does nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProviderSideLayer(());

impl ProviderSideLayer {
    /// The layer. There is nothing to set.
    pub fn new() -> Self {
        Self(())
    }
}

impl<S> Layer<S> for ProviderSideLayer {
    type Service = RecordProvider<S>;

    fn layer(&self, inner: S) -> RecordProvider<S> {
        RecordProvider { inner }
    }
}

/// See [`ProviderSideLayer`].
#[derive(Clone, Debug)]
pub struct RecordProvider<S> {
    inner: S,
}

impl<S, B> Service<Request<LlmBody>> for RecordProvider<S>
where
    S: Service<Request<LlmBody>, Response = Response<B>>,
    B: Body<Data = Chunk>,
    B::Error: Into<BoxError>,
{
    type Response = Response<Tap<B, Option<ProviderSide>>>;
    type Error = S::Error;
    type Future = RecordProviderFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<LlmBody>) -> Self::Future {
        let recording: Option<Recording> = request.extensions_mut().remove();
        if let Some(recording) = &recording {
            recording.sent(request.body());
        }
        RecordProviderFuture {
            inner: self.inner.call(request),
            recording,
        }
    }
}

/// The future of [`RecordProvider`].
#[pin_project]
#[derive(Debug)]
pub struct RecordProviderFuture<F> {
    #[pin]
    inner: F,
    recording: Option<Recording>,
}

impl<F, B, E> Future for RecordProviderFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body<Data = Chunk>,
    B::Error: Into<BoxError>,
{
    type Output = Result<Response<Tap<B, Option<ProviderSide>>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.inner.poll(cx))?;
        let form = Form::of(&response);
        let side = this.recording.take();
        let side = side.map(|recording| ProviderSide::new(recording, form));
        Poll::Ready(Ok(Tap::over(response, side)))
    }
}
