//! One layer on an axum application: each model may be called twice a minute.
//!
//! The application is a small one that sends calls on to a model server; its handler knows nothing of Luthien. The layer
//! stands on the routes that are calls, and `/health` goes past it.
//!
//! ```sh
//! cargo run -p luthien-tower --example one_room_in_axum 127.0.0.1:8000 http://127.0.0.1:11434
//! # The third time it is refused, in the words of the API that was called.
//! curl -i http://127.0.0.1:8000/v1/chat/completions -d '{"model":"llama3","messages":[]}'
//! ```
#![allow(clippy::print_stdout, reason = "it says where it listens")]

use std::{env, error::Error, num::NonZeroU32, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{StatusCode, header::HOST},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use luthien::rate::{LocalLedger, Per, RateLayer, Rule};
use tokio::net::TcpListener;

const TWO: NonZeroU32 = NonZeroU32::new(2).unwrap();

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let address = arguments.next().unwrap_or("127.0.0.1:8000".into());
    let server = arguments.next().unwrap_or("http://127.0.0.1:11434".into());

    let rule = Rule::requests(Per::Model, TWO, Duration::from_secs(60));
    let rate = RateLayer::new(LocalLedger::new(vec![rule]));

    let app = Router::new()
        .route("/v1/messages", post(send_on))
        .route("/v1/chat/completions", post(send_on))
        .layer(luthien::gate(rate))
        .route("/health", get(async || "well\n"))
        .with_state(Model {
            client: Client::builder(TokioExecutor::new()).build_http(),
            server,
        });

    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}

#[derive(Clone)]
struct Model {
    client: Client<HttpConnector, Body>,
    server: String,
}

async fn send_on(
    State(model): State<Model>,
    mut request: Request,
) -> Result<Response, (StatusCode, String)> {
    let there = format!("{}{}", model.server, request.uri());
    let wrong = |error: &dyn Error| (StatusCode::BAD_GATEWAY, format!("{there}: {error}\n"));
    *request.uri_mut() = there.parse().map_err(|error| wrong(&error))?;
    request.headers_mut().remove(HOST);
    let response = model.client.request(request).await;
    Ok(response.map_err(|error| wrong(&error))?.into_response())
}
