//! The provider of the demonstration: real HTTP on a port of its own, and a script in place of a model.

use std::{
    convert::Infallible,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderValue, Request, Response, header::CONTENT_TYPE};
use http_body_util::{BodyExt, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    body::{Frame, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, task::JoinSet, time::sleep};

/// What the model takes for a word.
const PACE: Duration = Duration::from_millis(25);

/// A provider; it stops when dropped.
pub(super) struct Provider {
    pub(super) address: SocketAddr,
    state: Arc<Mutex<State>>,
    _serving: JoinSet<()>,
}

#[derive(Default)]
struct State {
    reply: Vec<Bytes>,
    asked: Bytes,
}

impl Provider {
    pub(super) async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(Mutex::new(State::default()));
        let shared = state.clone();
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                // Without it the words come a little later.
                stream.set_nodelay(true).ok();
                let state = shared.clone();
                let answer = service_fn(move |request| answer(request, state.clone()));
                let connection =
                    http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
                // What goes wrong is seen at the other end, where it is shown.
                connections.spawn(async move { drop(connection.await) });
            }
        });
        Ok(Self {
            address,
            state,
            _serving: serving,
        })
    }

    /// What it says next.
    pub(super) fn will_say(&self, reply: Vec<Bytes>) {
        lock(&self.state).reply = reply;
    }

    /// The body of the last request.
    pub(super) fn was_asked(&self) -> Bytes {
        lock(&self.state).asked.clone()
    }
}

fn lock(state: &Mutex<State>) -> std::sync::MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

type Body = UnsyncBoxBody<Bytes, Infallible>;

async fn answer(
    request: Request<Incoming>,
    state: Arc<Mutex<State>>,
) -> Result<Response<Body>, hyper::Error> {
    let asked = request.into_body().collect().await?.to_bytes();
    let reply = {
        let mut state = lock(&state);
        state.asked = asked;
        state.reply.clone()
    };
    let events = stream::unfold(reply.into_iter(), async |mut events| {
        let event = events.next()?;
        sleep(PACE).await;
        Some((Ok(Frame::data(event)), events))
    });
    let mut response = Response::new(StreamBody::new(events).boxed_unsync());
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    Ok(response)
}
