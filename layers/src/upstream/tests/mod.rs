//! What the tests of upstreams have in common.

mod bodies;
mod cancel;
mod connect;
mod credentials;
mod failover;
mod framing;
mod headers;
mod routes;
mod server;

use bytes::Bytes;
use http::{Request, Response, request::Parts};
use luthien_core::{
    Dialect,
    gate::{Gate, gate},
    reject::Rejection,
    testing::{request, send},
};
use tower::{Layer, layer::util::Identity};

use self::server::{Body, Server, body};
use super::*;

fn gates() -> Gate<Identity> {
    gate(Identity::new())
}

fn upstream(server: &Server) -> Upstream {
    Upstream::new("test", &server.url()).unwrap()
}

fn one(server: &Server) -> Upstreams {
    Upstreams::builder()
        .upstream(upstream(server))
        .build()
        .unwrap()
}

fn call(dialect: Dialect) -> Request<Bytes> {
    Request::post(dialect.path())
        .body(request(dialect, false))
        .unwrap()
}

fn ok(_: &Parts) -> Response<Body> {
    Response::new(body("{}"))
}

fn with_status(status: u16) -> impl Fn(&Parts) -> Response<Body> + Clone + Send + Sync + 'static {
    move |_| {
        Response::builder()
            .status(status)
            .body(body("busy"))
            .unwrap()
    }
}

fn code<B>(response: &Response<B>) -> (u16, &'static str) {
    (
        response.status().as_u16(),
        response
            .extensions()
            .get::<Rejection>()
            .map_or("", Rejection::code),
    )
}

/// An address where nobody listens.
async fn nobody() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}
