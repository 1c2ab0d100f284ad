use std::{
    fmt, mem,
    sync::Arc,
    task::{Context as TaskContext, Poll},
};

use arc_swap::ArcSwap;
use http::{Request, Response};
use http_body::Body;
use luthien_core::{BoxError, body::Chunk, request::LlmBody};
use tower_layer::Layer;
use tower_service::Service;

use super::{
    PolicySet,
    entry::BoxFuture,
    exchange::{PolicyBody, exchange},
};

/// Puts policies between a client and the model. See the [module docs](super).
#[derive(Clone)]
pub struct PolicyLayer {
    set: Arc<ArcSwap<PolicySet>>,
}

impl PolicyLayer {
    /// The layer with these policies.
    pub fn new(set: PolicySet) -> Self {
        Self {
            set: Arc::new(ArcSwap::from_pointee(set)),
        }
    }

    /// Other policies from now on, for all clones of the layer and of its services. There is no moment without policies:
    /// every exchange meets either the old set or the new one, to its end.
    pub fn replace(&self, set: PolicySet) {
        self.set.store(Arc::new(set));
    }

    /// The policies that the next exchange will meet.
    pub fn current(&self) -> Arc<PolicySet> {
        self.set.load_full()
    }
}

impl fmt::Debug for PolicyLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PolicyLayer").field(&self.current()).finish()
    }
}

impl<S> Layer<S> for PolicyLayer {
    type Service = Policies<S>;

    fn layer(&self, inner: S) -> Policies<S> {
        Policies {
            inner,
            set: self.set.clone(),
        }
    }
}

/// See [`PolicyLayer`].
#[derive(Clone)]
pub struct Policies<S> {
    inner: S,
    set: Arc<ArcSwap<PolicySet>>,
}

impl<S: fmt::Debug> fmt::Debug for Policies<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policies")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

impl<S, B> Service<Request<LlmBody>> for Policies<S>
where
    S: Service<Request<LlmBody>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
    B: Body<Data = Chunk> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<PolicyBody<B>>;
    type Error = S::Error;
    // A request may wait for judges before it goes up: beside a call of a model, a box is nothing.
    type Future = BoxFuture<'static, Result<Self::Response, S::Error>>;

    fn poll_ready(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<LlmBody>) -> Self::Future {
        let next = self.inner.clone();
        // The one that is ready is called; its clone has yet to become so.
        let ready = mem::replace(&mut self.inner, next);
        Box::pin(exchange(self.set.load_full(), ready, request))
    }
}
