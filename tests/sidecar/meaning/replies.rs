//! What a reply says, and how: streams that are written in every way that the format allows, and replies that are not
//! what was asked for.

use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::support::{
    client::ask,
    good::{self, goes_on},
    provider::Provider,
    replies::{Dialect, asked, recorded},
    sidecar::Sidecar,
};

/// What the provider answers next: a content type (or none) and a body, in chunks of this length.
type Next = Arc<Mutex<Option<(&'static str, Vec<u8>, usize)>>>;

async fn scripted() -> (Next, Provider, Sidecar) {
    let next = Next::default();
    let script = next.clone();
    let provider = Provider::start(move |request, mut wire| {
        let next = script.lock().unwrap().take();
        async move {
            let Some((kind, body, length)) = next else {
                return good::reply(request, wire).await;
            };
            let kind = match kind {
                "" => String::new(),
                kind => format!("content-type: {kind}\r\n"),
            };
            let head = format!("HTTP/1.1 200 OK\r\n{kind}transfer-encoding: chunked\r\n\r\n");
            wire.write(head.as_bytes()).await?;
            for chunk in body.chunks(length) {
                wire.chunk(chunk).await?;
            }
            wire.end().await?;
            Ok(Some(wire))
        }
    })
    .await;
    let sidecar = Sidecar::before(&provider, "").await;
    (next, provider, sidecar)
}

fn tokens(line: &Value) -> (Option<u64>, Option<u64>) {
    (
        line["input_tokens"].as_u64(),
        line["output_tokens"].as_u64(),
    )
}

/// A way of writing a stream: what it is called, and how it is done.
type Style = (&'static str, fn(&str) -> String);

fn in_many_lines(stream: &str, break_before_objects: bool) -> String {
    let lines = stream.lines().map(|line| {
        let data = line.strip_prefix("data: ").unwrap_or_default();
        let Ok(data) = serde_json::from_str::<Value>(data) else {
            return format!("{line}\n");
        };
        let mut data = serde_json::to_string_pretty(&data).unwrap();
        if break_before_objects {
            data = data.replace(": {\n", ":\n{\n");
        }
        let lines = data.lines().map(|line| format!("data: {line}\n"));
        lines.collect()
    });
    lines.collect()
}

const STYLES: [Style; 16] = [
    ("as recorded", str::to_owned),
    ("CRLF", |stream| stream.replace('\n', "\r\n")),
    ("CR", |stream| stream.replace('\n', "\r")),
    ("mixed line ends", |stream| {
        let mut ends = ["\r", "\n", "\r\n"].into_iter().cycle();
        // A line that ends in CR before one that ends in LF would be one line end.
        let lines = stream.split_terminator("\n\n").map(|event| {
            let end = ends.next().unwrap();
            event.replace('\n', end) + end + end
        });
        lines.collect()
    }),
    ("a byte order mark", |stream| format!("\u{feff}{stream}")),
    ("comments", |stream| {
        format!(
            ": hello\n\n{}",
            stream.replace("data:", ": data: {\"usage\":\n:\ndata:")
        )
    }),
    ("blank lines", |stream| {
        format!("\n\n\n{}", stream.replace("\n\n", "\n\n\n\n"))
    }),
    ("no space after the colon", |stream| {
        stream
            .replace("data: ", "data:")
            .replace("event: ", "event:")
    }),
    ("two spaces after the colon", |stream| {
        stream.replace("data: {", "data:  {")
    }),
    ("other fields", |stream| {
        stream.replace("data: ", "id: 7\nretry: 10\ndatum: x\nnonsense\ndata: ")
    }),
    ("the name after the data", |stream| {
        let events = stream.split_terminator("\n\n").map(|event| {
            let lines: Vec<_> = event.split('\n').rev().collect();
            lines.join("\n") + "\n\n"
        });
        events.collect()
    }),
    ("names that do not fit", |stream| {
        stream.replace("event: ", "event: not_")
    }),
    ("no names", |stream| {
        let lines = stream.split_inclusive('\n');
        lines.filter(|line| !line.starts_with("event:")).collect()
    }),
    ("data in many lines", |stream| in_many_lines(stream, false)),
    ("each object on a line of its own", |stream| {
        in_many_lines(stream, true)
    }),
    ("data in several lines", |stream| {
        stream
            .replace("data: {", "data: {\ndata: ")
            .replace("}\n\n", "\ndata: }\n\n")
    }),
];

#[tokio::test]
async fn a_stream_passes_byte_for_byte_however_it_is_written_and_its_usage_is_found() {
    let (next, provider, sidecar) = scripted().await;
    for dialect in Dialect::ALL {
        let plain = ask(sidecar.agents, &asked(dialect, true)).await;
        let expected = tokens(&good::line(&sidecar, &plain).await);
        assert!(expected.0.is_some() && expected.1.is_some());
        let recorded = String::from_utf8(recorded(dialect, true).to_vec()).unwrap();
        for (name, style) in STYLES {
            let stream = style(&recorded).into_bytes();
            for length in [stream.len(), 1, 7, 1000] {
                *next.lock().unwrap() = Some(("text/event-stream", stream.clone(), length));
                let response = ask(sidecar.agents, &asked(dialect, true)).await;
                assert!(response.body == stream, "{dialect}: {name} by {length}");
                let line = good::line(&sidecar, &response).await;
                assert_eq!(line["end"], "complete", "{dialect}: {name}");
                assert_eq!(tokens(&line), expected, "{dialect}: {name} by {length}");
            }
        }
    }
    goes_on(&provider, &sidecar).await;
}

#[tokio::test]
async fn what_arrives_counts_and_not_what_was_asked_for() {
    let (next, provider, sidecar) = scripted().await;
    for dialect in Dialect::ALL {
        let plain = ask(sidecar.agents, &asked(dialect, true)).await;
        let of_stream = tokens(&good::line(&sidecar, &plain).await);
        let plain = ask(sidecar.agents, &asked(dialect, false)).await;
        let of_whole = tokens(&good::line(&sidecar, &plain).await);
        for (asked_for, kind, comes) in [
            (true, "application/json", false),
            (true, "Application/JSON; charset=utf-8", false),
            (false, "text/event-stream", true),
            (false, "Text/Event-Stream; charset=utf-8", true),
            (true, "text/event-stream;charset=utf-8", true),
            // Servers that do not say what it is.
            (true, "", true),
            (true, "text/plain", true),
            (false, "", false),
            (false, "text/plain", false),
        ] {
            let body = recorded(dialect, comes).to_vec();
            for length in [body.len(), 11] {
                *next.lock().unwrap() = Some((kind, body.clone(), length));
                let response = ask(sidecar.agents, &asked(dialect, asked_for)).await;
                assert!(response.body == body, "{dialect}: {kind:?}");
                assert_eq!(response.header("content-type").unwrap_or_default(), kind);
                let line = good::line(&sidecar, &response).await;
                assert_eq!(line["end"], "complete", "{dialect}: {kind:?}");
                let expected = if comes { of_stream } else { of_whole };
                assert_eq!(tokens(&line), expected, "{dialect}: {kind:?}");
            }
        }
    }
    goes_on(&provider, &sidecar).await;
}

#[tokio::test]
async fn a_reply_that_nobody_understands_passes_byte_for_byte() {
    let (next, provider, sidecar) = scripted().await;
    for dialect in Dialect::ALL {
        for body in [
            &b"not JSON"[..],
            b"{\"usage\":{\"input_tokens\":1,\"input_tokens\":2}}",
            b"{\"usage\":{\"input_tokens\":1e400,\"prompt_tokens\":-1}}",
            b"{\"usage\":\"many\",\"message\":{\"usage\":[]}}",
            b"{\"id\":\"\\ud800\",\"usage\":{\"input_tokens\":5}}",
            b"\xFF\xFE\0{",
            b"\0",
            &[b'['; 100_000],
        ] {
            *next.lock().unwrap() = Some(("application/json", body.to_vec(), 1000));
            let response = ask(sidecar.agents, &asked(dialect, false)).await;
            assert!(
                response.body == body,
                "{dialect}: {}",
                String::from_utf8_lossy(body)
            );
            assert_eq!(good::line(&sidecar, &response).await["end"], "complete");
        }
    }
    goes_on(&provider, &sidecar).await;
}
