//! The provider: answers at once, or streams as the request's header says.

use std::{convert::Infallible, io::Write, time::Duration};

use ::http::{HeaderMap, Request, Response};
use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    body::{Frame, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpListener,
    time::{Instant, sleep_until},
};

/// How a reply is to be streamed: the number of deltas, and the microseconds between them.
pub(crate) const STREAM: &str = "x-bench-stream";

const START: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_01\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude-opus-5-5\",\"content\":[],\"usage\":{\"input_tokens\":12,\"cache_read_input_tokens\":2000,\"output_tokens\":1}}}\n\nevent: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n";
const DELTA: &str = "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"a few words of it \"}}\n\n";
const STOP: &str = "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":88}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

type Body = UnsyncBoxBody<Bytes, Infallible>;

pub(crate) fn run() -> Result<(), Box<dyn std::error::Error>> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            writeln!(std::io::stdout(), "{}", listener.local_addr()?)?;
            loop {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                tokio::spawn(
                    http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service_fn(answer)),
                );
            }
        })
}

async fn answer(request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let stream = wanted(request.headers());
    // The reply begins when the request has come, as a model's does.
    request.into_body().collect().await.ok();
    let (kind, body) = match stream {
        Some((count, gap)) => ("text/event-stream", events(count, gap)),
        None => (
            "application/json",
            Full::from(luthien_core::testing::recorded(
                luthien_core::Dialect::Anthropic,
                false,
            ))
            .boxed_unsync(),
        ),
    };
    let mut response = Response::new(body);
    response
        .headers_mut()
        .insert("content-type", ::http::HeaderValue::from_static(kind));
    Ok(response)
}

fn wanted(headers: &HeaderMap) -> Option<(u64, Duration)> {
    let (count, gap) = headers.get(STREAM)?.to_str().ok()?.split_once(',')?;
    Some((
        count.parse().ok()?,
        Duration::from_micros(gap.parse().ok()?),
    ))
}

/// Deltas on a schedule: one that is late does not delay those after it.
fn events(count: u64, gap: Duration) -> Body {
    let start = Instant::now();
    let frames = stream::unfold(0, move |number| async move {
        let text = match number {
            0 => START,
            _ if number <= count => DELTA,
            _ if number == count + 1 => STOP,
            _ => return None,
        };
        let due = start + gap * u32::try_from(number).unwrap_or(u32::MAX);
        if !gap.is_zero() {
            sleep_until(due).await;
        }
        Some((
            Ok(Frame::data(Bytes::from_static(text.as_bytes()))),
            number + 1,
        ))
    });
    StreamBody::new(frames).boxed_unsync()
}
