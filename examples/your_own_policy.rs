//! A policy of your own: shell commands are refused, everything else passes as the bytes that came. The same code judges
//! streams and whole replies of every API.
//!
//! ```sh
//! cargo run -p luthien-tower --example your_own_policy 127.0.0.1:8000 https://api.anthropic.com
//! ANTHROPIC_BASE_URL=http://127.0.0.1:8000 claude -p 'Which files are here?'
//! ```
#![allow(clippy::print_stdout, reason = "it says where it listens")]

use std::{env, error::Error};

use axum::Router;
use luthien::{
    policy::{
        Context, Denial, Entry, Policy, PolicyError, PolicyLayer, PolicySet, ToolCall, Verdict,
        Watches,
    },
    upstream::{Upstream, Upstreams},
};
use tokio::net::TcpListener;
use tower::Layer;

/// No shell.
struct NoShell;

impl Policy for NoShell {
    fn watches(&self) -> Watches {
        Watches::TOOL_CALLS
    }

    async fn on_tool_call(&self, call: &ToolCall, _: &Context) -> Result<Verdict, PolicyError> {
        if !call.name().eq_ignore_ascii_case("bash") {
            return Ok(Verdict::Allow);
        }
        let denial = Denial::new("no_shell", "there is no shell here")
            .with_remedy("use the tools for files instead");
        Ok(Verdict::Block(denial))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let address = arguments.next().unwrap_or("127.0.0.1:8000".into());
    let provider = arguments
        .next()
        .unwrap_or("https://api.anthropic.com".into());

    let upstream = Upstream::new("provider", &provider)?;
    let upstreams = Upstreams::builder().upstream(upstream).build()?;
    let policies = PolicySet::new(vec![Entry::new("no-shell", NoShell)]);
    let proxy = luthien::gate(PolicyLayer::new(policies)).layer(upstreams);

    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, Router::new().fallback_service(proxy)).await?)
}
