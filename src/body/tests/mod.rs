//! What the tests of bodies have in common.

mod decoded;
mod endings;
mod holding;
mod request;
mod rewrite;
mod tap;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use http::Response;
use http_body::Body;
use http_body_util::BodyExt;

use super::*;
use crate::{
    BoxError, Dialect,
    reject::{Rejection, RejectionKind},
    testing::{ScriptedBody, Step},
};

type Script = ScriptedBody<Chunk>;

fn stream<B>(body: B) -> Response<B> {
    let mut response = Response::new(body);
    response
        .extensions_mut()
        .insert(Form::Stream(Dialect::Anthropic));
    response
}

/// Counts how often one was dropped.
struct Guard(Arc<AtomicUsize>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// What a future answers that need not wait.
fn now<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    for _ in 0..1000 {
        if let Poll::Ready(output) = future
            .as_mut()
            .poll(&mut Context::from_waker(std::task::Waker::noop()))
        {
            return output;
        }
    }
    panic!("pending")
}

fn text(body: impl Body<Data = Chunk, Error = BoxError>) -> Result<String, String> {
    now(body.collect())
        .map(|all| String::from_utf8(all.to_bytes().to_vec()).unwrap())
        .map_err(|error| error.to_string())
}

fn ping(number: usize) -> Chunk {
    Chunk::event_of(
        Dialect::Anthropic,
        format!("data: {{\"type\":\"ping\",\"n\":{number}}}\n\n").into(),
    )
}

fn pings(count: usize) -> Script {
    ScriptedBody::of((0..count).map(ping))
}

fn too_much() -> Rejection {
    Rejection::new(RejectionKind::RateLimited, "too much")
}
