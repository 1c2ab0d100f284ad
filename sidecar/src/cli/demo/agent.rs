//! The agent of the demonstration: asks through a real socket, and shows what comes while it comes.

use std::{
    io::{self, Write},
    net::SocketAddr,
};

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, client::conn::http1::handshake};
use hyper_util::rt::TokioIo;
use luthien_core::{
    Dialect,
    body::{Decoded, Form, ReplyLimits},
    reply::{DeltaKind, Part},
    request::BlockKind,
};
use tokio::net::TcpStream;

use super::super::Failure;

/// What came back.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) events: usize,
    /// The tools that it is to run.
    pub(super) calls: Vec<String>,
}

async fn send(
    sidecar: SocketAddr,
    path: &str,
    body: Bytes,
) -> Result<http::Response<Incoming>, Failure> {
    let stream = TokioIo::new(TcpStream::connect(sidecar).await?);
    let (mut sender, connection) = handshake(stream).await?;
    let request = Request::post(path)
        .header("host", sidecar.to_string())
        .header("content-type", "application/json")
        .header("authorization", "Bearer no-key-is-needed")
        .body(Full::new(body))?;
    // Driven for as long as the reply lasts: the connection ends with its sender and its body, and if it breaks before,
    // the body says so.
    tokio::spawn(async move { drop(connection.await) });
    Ok(sender.send_request(request).await?)
}

/// Asks, and shows the reply as it comes.
pub(super) async fn converse(
    sidecar: SocketAddr,
    dialect: Dialect,
    body: Bytes,
) -> Result<Reply, Failure> {
    let (head, body) = send(sidecar, dialect.path(), body).await?.into_parts();
    let mut body = std::pin::pin!(Decoded::new(
        body,
        Form::Stream(dialect),
        ReplyLimits::default()
    ));
    let (mut all, mut events, mut calls) = (Vec::new(), 0, Vec::new());
    let mut in_block = false;
    while let Some(frame) = body.frame().await {
        let Ok(chunk) = frame.map_err(|error| error as Failure)?.into_data() else {
            continue;
        };
        all.extend_from_slice(chunk.bytes());
        events += 1;
        for part in chunk.event().map_or(&[][..], |event| event.parts()) {
            show(part, &mut in_block)?;
            calls.extend(call_in(part));
        }
    }
    Ok(Reply {
        status: head.status,
        headers: head.headers,
        body: all.into(),
        events,
        calls,
    })
}

/// Asks for something that will be refused.
pub(super) async fn ask(sidecar: SocketAddr, path: &str, body: Bytes) -> Result<Reply, Failure> {
    let (head, body) = send(sidecar, path, body).await?.into_parts();
    Ok(Reply {
        status: head.status,
        headers: head.headers,
        body: body.collect().await?.to_bytes(),
        events: 0,
        calls: Vec::new(),
    })
}

/// The tool of which a call begins here.
fn call_in(part: &Part) -> Option<String> {
    match part {
        Part::BlockStart { head, .. } if head.kind == BlockKind::ToolCall => {
            Some(head.name.as_ref()?.decode().into_owned())
        }
        _ => None,
    }
}

fn show(part: &Part, in_block: &mut bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match part {
        Part::BlockStart { head, .. } => {
            let who = match head.kind {
                BlockKind::Thinking => "thinks",
                BlockKind::ToolCall => "calls",
                _ => "says",
            };
            *in_block = true;
            write!(out, "    {who:<8}")?;
            if let Some(tool) = &head.name {
                write!(out, "{} ", tool.decode())?;
            }
        }
        Part::Delta { kind, text, .. } if *kind != DeltaKind::Signature => {
            // What has several lines stays below its beginning.
            write!(out, "{}", text.decode().replace('\n', "\n            "))?;
        }
        // The Responses end a block, and then the item around it.
        Part::BlockStop { .. } if std::mem::take(in_block) => writeln!(out)?,
        _ => {}
    }
    out.flush()
}
