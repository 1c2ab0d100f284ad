//! Who calls, and for which conversation.
//!
//! Two layers. [`IdentityLayer`] reads headers alone, so it stands before anything is buffered: it finds the
//! credential, checks it if it is one of our keys, and sees to it that exactly one goes up. [`SessionLayer`] stands
//! between the gates and finds the session, the user and the purpose of a request, in every form that known clients
//! use.
//!
//! ```
//! use http::{Request, Response};
//! use luthien::{facts::Caller, identity::{IdentityLayer, KeyEntry, KeyRing}};
//! use secrecy::ExposeSecret;
//! use tower::{Layer, ServiceExt, service_fn};
//! # use std::convert::Infallible;
//! # use http_body_util::Full;
//! # use bytes::Bytes;
//!
//! let (key, entry) = KeyEntry::generate("alice's laptop")?;
//! let ring = KeyRing::new([entry]);
//! let service = IdentityLayer::keys(ring).layer(service_fn(|request: Request<Full<Bytes>>| async move {
//!     assert!(request.headers().get("x-api-key").is_none(), "our key does not go up");
//!     let Some(Caller::Key { name, .. }) = request.extensions().get() else { unreachable!() };
//!     Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(name.to_string())))
//! }));
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
//! # runtime.block_on(async {
//! let ask = |key: &str| Request::post("/v1/messages").header("x-api-key", key).body(Full::default()).unwrap();
//! assert_eq!(service.clone().oneshot(ask(key.expose_secret())).await.unwrap().status(), 200);
//! assert_eq!(service.oneshot(ask("lth_abcdefgh_guessed")).await.unwrap().status(), 401);
//! # });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Neither layer touches a reply; when it ends, or if the client leaves, is nothing to them.

mod credential;
mod keys;
mod layer;
mod purpose;
mod session;
#[cfg(test)]
mod tests;

pub use keys::{KeyDenied, KeyEntry, KeyRing, PREFIX, Scope};
pub use layer::{Identity, IdentityLayer};
pub use session::{Session, SessionLayer};
