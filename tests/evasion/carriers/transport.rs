//! What is the same in all dialects: how bytes are framed, typed, encoded, and asked for again.

use async_compression::tokio::bufread::{BrotliEncoder, GzipEncoder};
use futures_util::FutureExt;
use luthien_core::Dialect;
use tokio::io::{AsyncRead, AsyncReadExt};

use super::{anthropic, chat, responses};
use crate::attempt::{Call, Carriers, Event, Exchange, Expect, Form, Framing, explained};

struct Plain {
    streamed: Vec<Event>,
    whole: String,
    error: Event,
}

fn plain(dialect: Dialect, call: &Call) -> Plain {
    match dialect {
        Dialect::Anthropic => Plain {
            streamed: anthropic::streamed(call),
            whole: anthropic::whole(call),
            error: anthropic::error(),
        },
        Dialect::Chat => Plain {
            streamed: chat::streamed(call),
            whole: chat::whole(call),
            error: chat::error(),
        },
        _ => Plain {
            streamed: responses::streamed(call),
            whole: responses::whole(call),
            error: responses::error(),
        },
    }
}

pub fn add(carriers: &mut Carriers) {
    let plain = plain(carriers.dialect, &carriers.mark.call());
    for framing in Framing::ALL {
        carriers.add(
            format!("framed as {framing:?}"),
            Exchange::framed(&plain.streamed, framing, explained()),
        );
    }
    lines(carriers, &plain);
    types(carriers, &plain);
    encodings(carriers, &plain);
    retries(carriers, &plain);
}

/// Lines that are no data by the letter, but are to those who read lines as they like.
fn lines(carriers: &mut Carriers, plain: &Plain) {
    let body = Framing::Lf.write(&plain.streamed);
    let body = String::from_utf8(body.to_vec()).unwrap();
    for field in [" data:", "\tdata:", "Data:", "data :", "\u{feff}data:", ""] {
        // What carries the call, and nothing else, is written like this.
        let changed: String = body
            .split_inclusive('\n')
            .map(|line| match line.strip_prefix("data:") {
                Some(rest) if line.contains("LEAK") => format!("{field}{rest}"),
                _ => line.to_owned(),
            })
            .collect();
        carriers.add(
            format!("lines that begin with {field:?} instead of data:"),
            Exchange::bytes(Form::Stream, changed, Expect::Refused),
        );
    }
}

/// What a reply says that it is, and what was asked for.
fn types(carriers: &mut Carriers, plain: &Plain) {
    let stream = |expect| Exchange::stream(&plain.streamed, expect);
    let whole = |expect| Exchange::whole(plain.whole.clone(), expect);
    for kind in [
        "text/event-stream; charset=utf-8",
        "Text/Event-Stream",
        "TEXT/EVENT-STREAM;CHARSET=UTF-8",
        "text/plain",
        "application/octet-stream",
        "application/x-ndjson",
        "",
    ] {
        carriers.add(
            format!("a stream of the type {kind:?}"),
            stream(explained()).header("content-type", Some(kind)),
        );
    }
    carriers.add(
        "a stream of no type",
        stream(explained()).header("content-type", None),
    );
    carriers.add(
        "a stream that calls itself JSON",
        stream(Expect::Refused).header("content-type", Some("application/json")),
    );
    for kind in [
        "application/json; charset=utf-8",
        "Application/JSON",
        "text/plain",
        "application/octet-stream",
        "",
    ] {
        carriers.add(
            format!("a whole reply of the type {kind:?}"),
            whole(explained()).header("content-type", Some(kind)),
        );
    }
    carriers.add(
        "a whole reply of no type",
        whole(explained()).header("content-type", None),
    );
    carriers.add(
        "a stream where none was asked for",
        stream(explained()).asked(Form::Whole),
    );
    carriers.add(
        "a whole reply where a stream was asked for",
        whole(explained()).asked(Form::Stream),
    );
    for kind in [None, Some("text/plain"), Some("application/json")] {
        carriers.add(
            format!("a stream of the type {kind:?} where none was asked for"),
            stream(Expect::Refused)
                .asked(Form::Whole)
                .header("content-type", kind),
        );
    }
    for kind in [None, Some("text/plain"), Some("text/event-stream")] {
        carriers.add(
            format!("a whole reply of the type {kind:?} where a stream was asked for"),
            whole(Expect::Refused)
                .asked(Form::Stream)
                .header("content-type", kind),
        );
    }
    carriers.add(
        "a whole reply that calls itself a stream",
        whole(Expect::Refused).header("content-type", Some("text/event-stream")),
    );
}

/// Bytes that are not what they look like.
fn encodings(carriers: &mut Carriers, plain: &Plain) {
    let streamed = Framing::Lf.write(&plain.streamed);
    for (form, body) in [
        (Form::Stream, &streamed[..]),
        (Form::Whole, plain.whole.as_bytes()),
    ] {
        let packed = [
            ("gzip", packed(GzipEncoder::new(body))),
            ("GZIP", packed(GzipEncoder::new(body))),
            ("x-gzip", packed(GzipEncoder::new(body))),
            ("br", packed(BrotliEncoder::new(body))),
            ("identity, gzip", packed(GzipEncoder::new(body))),
            ("gzip, identity", packed(GzipEncoder::new(body))),
            ("gzip", body.to_vec()),
            ("newer", body.to_vec()),
        ];
        for (encoding, bytes) in packed {
            let is_packed = if bytes == body {
                "not packed at all"
            } else {
                "packed"
            };
            carriers.add(
                format!("{form:?} in the encoding {encoding:?}, {is_packed}"),
                Exchange::bytes(form, body.to_vec(), Expect::Refused)
                    .packed(bytes)
                    .header("content-encoding", Some(encoding)),
            );
        }
        for encoding in ["identity", "Identity"] {
            carriers.add(
                format!("{form:?} in the encoding {encoding:?}"),
                Exchange::bytes(form, body.to_vec(), explained())
                    .header("content-encoding", Some(encoding)),
            );
        }
        for (carrier, odd) in [
            ("a byte that is no UTF-8", &b"LEAKID\xff"[..]),
            ("a surrogate of its own", br"LEAKID\ud800"),
            ("a control character", b"LEAKID\x01"),
        ] {
            carriers.add(
                format!("{form:?} with {carrier} in it"),
                Exchange::bytes(form, replaced(body, b"LEAKID", odd), Expect::Refused),
            );
        }
        carriers.add(
            format!("{form:?}, packed without a word"),
            Exchange::bytes(form, body.to_vec(), Expect::Refused).packed(packed_gzip(body)),
        );
    }
}

/// With every `from` replaced.
fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = bytes;
    while let Some(at) = memchr::memmem::find(rest, from) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(to);
        rest = &rest[at + from.len()..];
    }
    out.extend_from_slice(rest);
    out
}

fn packed_gzip(body: &[u8]) -> Vec<u8> {
    packed(GzipEncoder::new(body))
}

fn packed(mut reader: impl AsyncRead + Unpin) -> Vec<u8> {
    let mut packed = Vec::new();
    // What is in memory need not be waited for.
    reader
        .read_to_end(&mut packed)
        .now_or_never()
        .unwrap()
        .unwrap();
    packed
}

/// Clients ask again without streaming when a stream has failed.
fn retries(carriers: &mut Carriers, plain: &Plain) {
    let mut failed = plain.streamed.clone();
    let end = failed.len() - 1;
    failed.truncate(end);
    failed.push(plain.error.clone());
    let first = Exchange::stream(&failed, Expect::Refused);
    let again = Exchange::whole(plain.whole.clone(), explained());
    carriers.add_all(
        "asked again without streaming after an error",
        vec![first.clone(), again.clone()],
    );
    carriers.add_all(
        "asked again without streaming, and answered by a stream",
        vec![
            first,
            Exchange::stream(&plain.streamed, explained()).asked(Form::Whole),
        ],
    );
    carriers.add_all(
        "asked again after a stream that was lost",
        vec![
            Exchange::stream(&failed[..end], Expect::Refused).lost(),
            Exchange::stream(&plain.streamed, explained()),
        ],
    );
}
