//! Providers that break off.

use super::*;
use crate::support::replies::events;

/// How a reply breaks off after the bytes that were to be sent.
#[derive(Clone, Copy, Debug)]
enum Break {
    /// Between two chunks.
    AfterChunk,
    /// Inside a chunk that has promised more.
    InsideChunk,
    /// By a reset.
    Reset,
    /// In order, as if that were all.
    CleanEnd,
    /// Short of the length that was promised.
    ShortOfLength,
    /// Without any framing: it ends where the connection does.
    Unframed,
}

const BREAKS: [Break; 6] = [
    Break::AfterChunk,
    Break::InsideChunk,
    Break::Reset,
    Break::CleanEnd,
    Break::ShortOfLength,
    Break::Unframed,
];

/// Sends `bytes` of a reply in a way that promises more, and breaks off.
async fn break_off(mut wire: Wire, how: Break, bytes: &[u8]) -> io::Result<Option<Wire>> {
    let head = |framing: &str| {
        format!("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n{framing}\r\n").into_bytes()
    };
    match how {
        Break::ShortOfLength => {
            let promised = bytes.len() + 1;
            wire.write(&head(&format!("content-length: {promised}\r\n")))
                .await?;
            wire.write(bytes).await?;
        }
        Break::Unframed => {
            wire.write(&head("")).await?;
            wire.write(bytes).await?;
        }
        _ => {
            wire.stream().await?;
            if !bytes.is_empty() {
                wire.chunk(bytes).await?;
            }
            match how {
                Break::InsideChunk => wire.write(b"ff\r\ndata: {").await?,
                Break::CleanEnd => wire.end().await?,
                Break::Reset => wire.reset()?,
                _ => {}
            }
            return Ok(None);
        }
    }
    Ok(None)
}

/// Where a stream is cut: before the first event, after each but the last, and in the middle of each, the last
/// included.
fn cuts(dialect: Dialect) -> Vec<usize> {
    let mut at = 0;
    let mut cuts = Vec::new();
    for event in events(dialect) {
        cuts.extend([at, at + 1, at + event.len() / 2, at + event.len() - 1]);
        at += event.len();
    }
    cuts
}

#[tokio::test]
async fn a_stream_that_is_cut_anywhere_in_any_way_is_never_shown_as_complete() {
    let bad = Provider::start(|request, wire| async move {
        let number = |name| request.header(name).unwrap().parse::<usize>().unwrap();
        let reply = recorded(dialect_of(&request), true);
        break_off(wire, BREAKS[number("x-break")], &reply[..number("x-cut")]).await
    })
    .await;
    for dialect in Dialect::ALL {
        let scene = Scene::before(&bad, "").await;
        let reply = recorded(dialect, true);
        // Chat's clients do without `[DONE]`, its last event, once each choice has said why it stopped.
        let complete = match dialect {
            Dialect::Chat => memchr::memmem::rfind(&reply, b"finish_reason\":\"").unwrap(),
            // Without its blank line the last event says all the same that it is the last.
            _ => reply.len() - 2,
        };
        let mut names = Vec::new();
        for cut in cuts(dialect).into_iter().filter(|cut| *cut < complete) {
            for (number, how) in BREAKS.iter().enumerate() {
                let headers = format!("x-cut: {cut}\r\nx-break: {number}\r\n");
                let name = format!("{dialect}-{cut}-{how:?}");
                // As many choices as the recorded reply has.
                let asked = match dialect {
                    Dialect::Chat => about(dialect, true, &name).replacen('{', r#"{"n":2,"#, 1),
                    _ => about(dialect, true, &name),
                };
                let asked = post(dialect.path(), &headers, asked.as_bytes());
                let got = scene.ask(&asked).await.broken();
                assert!(reply[..cut].starts_with(&got.body), "{name}");
                names.push(name);
            }
        }
        for (name, end) in scene.ends(names.len()).await {
            assert_eq!(end, "failed", "{name}");
        }
        scene.goes_on().await;
    }
}

/// A whole reply, cut as the request's headers say.
async fn cut_whole(request: Message, mut wire: Wire) -> io::Result<Option<Wire>> {
    let cut = request.header("x-cut").unwrap().parse::<usize>().unwrap();
    let chunked = request.header("x-chunked").is_some();
    let framing = if chunked {
        "transfer-encoding: chunked"
    } else {
        "content-length: 999999"
    };
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{framing}\r\n\r\n");
    wire.write(head.as_bytes()).await?;
    let reply = &recorded(dialect_of(&request), false)[..cut];
    if chunked && cut > 0 {
        wire.chunk(reply).await?;
    } else {
        wire.write(reply).await?;
    }
    if request.header("x-reset").is_some() {
        wire.reset()?;
    }
    Ok(None)
}

#[tokio::test]
async fn a_whole_reply_that_is_cut_is_never_shown_as_complete() {
    let bad = Provider::start(cut_whole).await;
    let scene = Scene::before(&bad, "").await;
    for dialect in Dialect::ALL {
        let length = recorded(dialect, false).len();
        for cut in [0, 1, length / 2, length - 1, length] {
            for chunked in ["", "x-chunked: 1\r\n"] {
                for reset in ["", "x-reset: 1\r\n"] {
                    let headers = format!("x-cut: {cut}\r\n{chunked}{reset}");
                    let name = format!("{dialect}-{cut}-{}-{}", chunked.len(), reset.len());
                    let asked = about(dialect, false, &name);
                    let got = scene
                        .ask(&post(dialect.path(), &headers, asked.as_bytes()))
                        .await;
                    assert_eq!(
                        got.not_a_reply(),
                        "",
                        "{name}: it goes out when all is there"
                    );
                    // A reset may overtake the head.
                    let end = scene.line_with("model", &name).await["end"].clone();
                    assert!(end == "failed" || end == "refused", "{name}: {end}");
                }
            }
        }
    }
    scene.goes_on().await;
}

#[tokio::test]
async fn a_connection_that_closes_before_the_head_is_answered_with_502() {
    for said in [
        "",
        "HTTP/1.1 200 OK\r\ncontent-ty",
        "HTTP/1.1 100 Continue\r\n\r\n",
    ] {
        let bad = Provider::raw(said).await;
        let scene = Scene::before(&bad, "").await;
        for (dialect, stream) in calls() {
            let got = scene.ask(&asked(dialect, stream)).await;
            let got = got.refused(dialect, 502);
            assert_eq!(scene.line(&got).await["refusal"], "bad_upstream");
        }
        assert_eq!(bad.seen().len(), 6, "nothing is sent twice");
        scene.goes_on().await;
    }
}

#[tokio::test]
async fn what_breaks_after_the_last_event_hurts_nobody() {
    let bad = Provider::start(|request, mut wire| async move {
        wire.stream().await?;
        wire.chunk(&recorded(dialect_of(&request), true)).await?;
        wire.write(b"ff\r\ndata: {").await?;
        Ok(None)
    })
    .await;
    let scene = Scene::before(&bad, "").await;
    for dialect in Dialect::ALL {
        let got = scene.ask(&asked(dialect, true)).await.whole();
        assert_eq!(got.body, recorded(dialect, true));
        assert_eq!(scene.line(&got).await["end"], "complete");
    }
    scene.goes_on().await;
}
