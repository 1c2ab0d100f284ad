//! The least there is: a reverse proxy for LLM calls. Whatever layer you want goes where `Identity` stands.
//!
//! ```sh
//! cargo run -p luthien-tower --example reverse_proxy 127.0.0.1:8000 https://api.openai.com
//! curl http://127.0.0.1:8000/v1/responses -H "authorization: Bearer $OPENAI_API_KEY" \
//!   -H 'content-type: application/json' -d '{"model":"gpt-5-mini","input":"Hello","stream":true}'
//! ```
#![allow(clippy::print_stdout, reason = "it says where it listens")]

use axum::Router;
use luthien::upstream::{Upstream, Upstreams};
use tokio::net::TcpListener;
use tower::{Layer, layer::util::Identity};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or("127.0.0.1:8000".into());
    let provider = arguments.next().unwrap_or("https://api.openai.com".into());

    let upstream = Upstream::new("provider", &provider)?;
    let upstreams = Upstreams::builder().upstream(upstream).build()?;
    let proxy = luthien::gate(Identity::new()).layer(upstreams);

    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, Router::new().fallback_service(proxy)).await?)
}
