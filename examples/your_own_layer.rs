//! A layer of your own: it says which tools a model calls. The same code reads streams and whole replies of every API,
//! and every byte goes on as it came.
//!
//! ```sh
//! cargo run -p luthien-tower --example your_own_layer 127.0.0.1:8000 https://api.anthropic.com
//! ANTHROPIC_BASE_URL=http://127.0.0.1:8000 claude -p 'Which files are here?'
//! ```
#![allow(
    clippy::print_stdout,
    reason = "it says where it listens, and what it saw"
)]

use std::{
    collections::BTreeMap,
    env,
    error::Error,
    task::{Context, Poll},
};

use axum::Router;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use http_body::Body;
use luthien::{
    body::{Chunk, Flow, Observe, StreamEnd, Tap},
    reply::{BlockId, Event, Part},
    request::{BlockKind, LlmBody},
    upstream::{Upstream, Upstreams},
};
use tokio::{net::TcpListener, sync::mpsc};
use tower::{Layer, Service};

/// The layer: its settings, and how it makes a service of another one.
#[derive(Clone)]
struct ToolsLayer {
    tell: mpsc::Sender<String>,
}

impl<S> Layer<S> for ToolsLayer {
    type Service = Tools<S>;

    fn layer(&self, inner: S) -> Tools<S> {
        let tell = self.tell.clone();
        Tools { inner, tell }
    }
}

/// The service: what happens to a request. This one lets it pass and puts the reply under observation.
#[derive(Clone)]
struct Tools<S> {
    inner: S,
    tell: mpsc::Sender<String>,
}

impl<S, B> Service<Request<LlmBody>> for Tools<S>
where
    S: Service<Request<LlmBody>, Response = Response<B>>,
    S::Future: Send + 'static,
    B: Body<Data = Chunk>,
{
    type Response = Response<Tap<B, Called>>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Self::Response, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<LlmBody>) -> Self::Future {
        let (tell, tools) = (self.tell.clone(), BTreeMap::new());
        let response = self.inner.call(request);
        Box::pin(async { Ok(Tap::over(response.await?, Called { tell, tools })) })
    }
}

/// The observer: what happens to a reply. It could end one as well, see [`Flow::Cut`].
struct Called {
    tell: mpsc::Sender<String>,
    tools: BTreeMap<BlockId, String>,
}

impl Observe for Called {
    fn on_chunk(&mut self, chunk: &Chunk) -> Flow {
        for part in chunk.event().map_or(&[][..], Event::parts) {
            if let Part::BlockStart { block, head } = part
                && let (BlockKind::ToolCall, Some(name)) = (head.kind, &head.name)
            {
                self.tools.insert(*block, name.decode().into_owned());
            }
        }
        Flow::Forward
    }

    fn on_end(self, end: StreamEnd) {
        let names: Vec<_> = self.tools.into_values().collect();
        let line = format!("{} tool calls: {names:?}, {end:?}", names.len());
        // If nobody listens fast enough it is lost: a reply is never held up by who watches it.
        self.tell.try_send(line).ok();
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let address = arguments.next().unwrap_or("127.0.0.1:8000".into());
    let provider = arguments
        .next()
        .unwrap_or("https://api.anthropic.com".into());

    let (tell, mut told) = mpsc::channel(100);
    let upstream = Upstream::new("provider", &provider)?;
    let upstreams = Upstreams::builder().upstream(upstream).build()?;
    let proxy = luthien::gate(ToolsLayer { tell }).layer(upstreams);

    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    tokio::spawn(async move {
        while let Some(line) = told.recv().await {
            println!("{line}");
        }
    });
    Ok(axum::serve(listener, Router::new().fallback_service(proxy)).await?)
}
