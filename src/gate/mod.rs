//! The two gates between plain HTTP and the rooms.
//!
//! [`Parse`], the outer one, makes a [`Request<LlmBody>`](crate::request::LlmBody) of a request and bytes of a reply.
//! [`Decode`], the inner one, makes a body of [`Chunk`](crate::body::Chunk)s of a reply. A layer that stands between
//! them reads both; one that does not will not compile. [`gate`] packs all three:
//!
//! ```
//! # use std::convert::Infallible;
//! # use http::{Request, Response};
//! # use http_body_util::{BodyExt, Full};
//! # use bytes::Bytes;
//! use luthien_core::{
//!     Dialect,
//!     body::{Decoded, Tap, Observe},
//!     gate::gate,
//!     reject::{Rejection, RejectionKind},
//!     request::LlmBody,
//! };
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! // A layer that admits only small models.
//! # #[derive(Clone)] struct SmallOnly<S>(S);
//! # impl<S, B> tower::Service<Request<LlmBody>> for SmallOnly<S>
//! # where S: tower::Service<Request<LlmBody>, Response = Response<Tap<B, Nothing>>>, S::Future: Send + 'static, S::Error: 'static,
//! #       B: http_body::Body<Data = luthien_core::body::Chunk>, Response<Tap<B, Nothing>>: Send + 'static, S::Error: Send {
//! #     type Response = Response<Tap<B, Nothing>>; type Error = S::Error;
//! #     type Future = std::pin::Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;
//! #     fn poll_ready(&mut self, cx: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Self::Error>> { self.0.poll_ready(cx) }
//! #     fn call(&mut self, request: Request<LlmBody>) -> Self::Future {
//! #         let Some(call) = request.body().call() else { return Box::pin(self.0.call(request)) };
//! #         if call.model().is_some_and(|model| model.contains("haiku")) { return Box::pin(self.0.call(request)); }
//! #         let response = Rejection::new(RejectionKind::Forbidden, "small models only").respond(call.dialect(), Tap::local);
//! #         Box::pin(async { Ok(response) })
//! #     }
//! # }
//! # struct Nothing; impl Observe for Nothing {}
//! let layer = tower::layer::layer_fn(|decode| SmallOnly(tower::util::MapResponse::new(decode, |r| Tap::over(r, Nothing))));
//! let provider = service_fn(|_: Request<LlmBody>| async {
//!     Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("{}")))
//! });
//! let service = gate(layer).layer(provider);
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
//! # runtime.block_on(async {
//! let ask = |model: &str| {
//!     Request::post("/v1/messages").body(Full::<Bytes>::from(format!(r#"{{"model":"{model}","messages":[]}}"#))).unwrap()
//! };
//! let small = service.clone().oneshot(ask("claude-haiku-4-5")).await.unwrap();
//! assert_eq!(small.into_body().collect().await.unwrap().to_bytes(), "{}");
//! let large = service.oneshot(ask("claude-opus-5-5")).await.unwrap();
//! assert_eq!(large.status(), 403);
//! # });
//! ```

mod decode;
mod parse;
mod relay;
#[cfg(test)]
mod tests;

pub use decode::{Decode, DecodeFuture, DecodeLayer};
pub use parse::{Parse, ParseFuture, ParseLayer};
pub use relay::{Relay, RelayError};

use tower_layer::Layer;

/// Packs a layer between the two gates, with their default settings: a plain HTTP layer for any axum, hyper or tower
/// service. Requests that are no LLM calls pass through, unread.
pub fn gate<L>(layer: L) -> Gate<L> {
    Gate {
        parse: ParseLayer::new(),
        layer,
        decode: DecodeLayer::new(),
    }
}

/// A layer between the two gates. Made by [`gate`].
#[derive(Clone, Debug)]
pub struct Gate<L> {
    parse: ParseLayer,
    layer: L,
    decode: DecodeLayer,
}

impl<L> Gate<L> {
    /// Other settings for the outer gate.
    #[must_use]
    pub fn with_parse(mut self, parse: ParseLayer) -> Self {
        self.parse = parse;
        self
    }

    /// Other settings for the inner gate.
    #[must_use]
    pub fn with_decode(mut self, decode: DecodeLayer) -> Self {
        self.decode = decode;
        self
    }
}

impl<S, L> Layer<S> for Gate<L>
where
    L: Layer<Decode<S>>,
{
    type Service = Parse<L::Service>;

    fn layer(&self, inner: S) -> Self::Service {
        self.parse.layer(self.layer.layer(self.decode.layer(inner)))
    }
}
