//! All layers in their recommended order, over a provider, served by hyper alone.
//!
//! ```sh
//! cargo run -p luthien-tower --example stack_under_hyper 127.0.0.1:8000 https://api.anthropic.com
//! ANTHROPIC_BASE_URL=http://127.0.0.1:8000 claude
//! ```
#![allow(clippy::print_stdout, reason = "it says where it listens")]

use std::{env, error::Error, num::NonZeroU32, time::Duration};

use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use luthien::{
    deadline::{DeadlineLayer, Deadlines},
    gate::{ParseLayer, Relay},
    identity::IdentityLayer,
    limit::LimitLayer,
    rate::{LocalLedger, Per, RateLayer, Rule},
    stack::Stack,
    upstream::{Upstream, Upstreams},
};
use tokio::net::TcpListener;
use tower::Layer;

const CALLS_A_MINUTE: NonZeroU32 = NonZeroU32::new(600).unwrap();
const CALLS_AT_ONCE: NonZeroU32 = NonZeroU32::new(20).unwrap();

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let address = arguments.next().unwrap_or("127.0.0.1:8000".into());
    let provider = arguments
        .next()
        .unwrap_or("https://api.anthropic.com".into());

    let minute = Duration::from_secs(60);
    let rules = vec![
        Rule::requests(Per::Key, CALLS_A_MINUTE, minute),
        Rule::concurrent(Per::Key, CALLS_AT_ONCE),
    ];
    let deadlines = Deadlines {
        idle: 2 * minute,
        ..Deadlines::default()
    };
    // What is no call is read by nobody, so it passes only if it is listed.
    let relay = Relay::only(["GET /v1/models", "POST /v1/messages/count_tokens"])?;
    let stack = Stack::new(IdentityLayer::passthrough())
        .with_parse(ParseLayer::new().with_relay(relay))
        .with_limit(LimitLayer::new().with_messages(2_000))
        .with_rate(RateLayer::new(LocalLedger::new(rules)))
        .with_deadline(DeadlineLayer::new(deadlines));

    let upstream = Upstream::new("provider", &provider)?;
    let service = stack.layer(Upstreams::builder().upstream(upstream).build()?);

    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    loop {
        let (connection, _) = listener.accept().await?;
        let service = TowerToHyperService::new(service.clone());
        tokio::spawn(async move {
            // Events are small, and wanted at once.
            connection.set_nodelay(true).ok();
            let mut server = http1::Builder::new();
            server.timer(TokioTimer::new());
            let connection = server.serve_connection(TokioIo::new(connection), service);
            // It fails whenever a client leaves in the middle, which is its right.
            connection.await.ok();
        });
    }
}
