use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response};
use http_body::Body;
use luthien_core::{
    BoxError, Dialect,
    body::{Chunk, Tap},
    request::{LlmBody, ModelPattern},
};
use pin_project::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::{Deadlines, observe::Watch};

/// Bounds how long a provider may take. See the [module docs](super).
#[derive(Clone, Debug)]
pub struct DeadlineLayer {
    settings: Arc<Settings>,
}

#[derive(Clone, Debug)]
struct Settings {
    all: Deadlines,
    by_model: Vec<(ModelPattern, Deadlines)>,
}

impl DeadlineLayer {
    /// These deadlines for all models, and for requests that name none.
    pub fn new(deadlines: Deadlines) -> Self {
        Self {
            settings: Arc::new(Settings {
                all: deadlines,
                by_model: Vec::new(),
            }),
        }
    }

    /// Other deadlines for models of this pattern (`*` stands for anything). The first pattern that matches counts.
    #[must_use]
    pub fn with_models(mut self, pattern: &str, deadlines: Deadlines) -> Self {
        // Every text is a pattern.
        let Ok(pattern) = pattern.parse();
        Arc::make_mut(&mut self.settings)
            .by_model
            .push((pattern, deadlines));
        self
    }
}

impl Settings {
    fn of(&self, request: &Request<LlmBody>) -> Deadlines {
        let model = request.body().call().and_then(|call| call.model());
        let found = self
            .by_model
            .iter()
            .find(|(pattern, _)| pattern.matches(model));
        found.map_or(self.all, |(_, deadlines)| *deadlines)
    }
}

impl<S> Layer<S> for DeadlineLayer {
    type Service = Deadline<S>;

    fn layer(&self, inner: S) -> Deadline<S> {
        Deadline {
            inner,
            settings: self.settings.clone(),
        }
    }
}

/// See [`DeadlineLayer`].
#[derive(Clone, Debug)]
pub struct Deadline<S> {
    inner: S,
    settings: Arc<Settings>,
}

impl<S, B> Service<Request<LlmBody>> for Deadline<S>
where
    S: Service<Request<LlmBody>, Response = Response<B>>,
    B: Body<Data = Chunk>,
    B::Error: Into<BoxError>,
{
    type Response = Response<Tap<B, Watch>>;
    type Error = S::Error;
    type Future = DeadlineFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<LlmBody>) -> Self::Future {
        let watch = Watch::start(self.settings.of(&request));
        let dialect = request.body().dialect();
        let dialect =
            dialect.unwrap_or_else(|| Dialect::of_client(request.uri().path(), request.headers()));
        DeadlineFuture {
            inner: Some(self.inner.call(request)),
            watch: Some(watch),
            dialect,
        }
    }
}

/// The future of [`Deadline`].
#[pin_project]
#[derive(Debug)]
pub struct DeadlineFuture<F> {
    #[pin]
    inner: Option<F>,
    watch: Option<Watch>,
    dialect: Dialect,
}

impl<F, B, E> Future for DeadlineFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body<Data = Chunk>,
    B::Error: Into<BoxError>,
{
    type Output = Result<Response<Tap<B, Watch>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let (Some(inner), Some(watch)) = (this.inner.as_mut().as_pin_mut(), this.watch.as_mut())
        else {
            return Poll::Pending;
        };
        match inner.poll(cx) {
            Poll::Ready(Ok(response)) => match this.watch.take() {
                Some(watch) => Poll::Ready(Ok(Tap::over(response, watch))),
                None => Poll::Pending,
            },
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => match watch.poll_late(cx) {
                Poll::Ready(rejection) => {
                    // Cancels the upstream at once.
                    this.inner.set(None);
                    Poll::Ready(Ok(rejection.respond(*this.dialect, Tap::local)))
                }
                Poll::Pending => Poll::Pending,
            },
        }
    }
}
