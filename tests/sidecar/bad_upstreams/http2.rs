//! Providers that break off in HTTP/2, frame by frame.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use super::*;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// A frame.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// The head of a stream of events: `:status: 200`, and `content-type`, which is the 31st of the static table.
fn head(stream: u32) -> Vec<u8> {
    let block = [&[0x88, 0x0f, 0x10, 17][..], b"text/event-stream"].concat();
    frame(HEADERS, END_HEADERS, stream, &block)
}

fn data(stream: u32, bytes: &[u8]) -> Vec<u8> {
    let frames = bytes
        .chunks(1000)
        .map(|piece| frame(DATA, 0, stream, piece));
    frames.collect::<Vec<_>>().concat()
}

fn reset(stream: u32, code: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &code.to_be_bytes())
}

fn go_away(last: u32, code: u32) -> Vec<u8> {
    frame(
        GOAWAY,
        0,
        0,
        &[last.to_be_bytes(), code.to_be_bytes()].concat(),
    )
}

/// A provider that answers each request, by the number of its stream, with frames; after which it closes the
/// connection if there are none.
struct Frames {
    url: String,
    requests: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

impl Frames {
    async fn start(answer: impl Fn(u32) -> Vec<u8> + Clone + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (requests, connections) = <(Arc<AtomicUsize>, Arc<AtomicUsize>)>::default();
        let (asked, accepted) = (requests.clone(), connections.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut open = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                accepted.fetch_add(1, Ordering::SeqCst);
                let (answer, asked) = (answer.clone(), asked.clone());
                open.spawn(async move {
                    serve(stream, answer, &asked).await.ok();
                });
            }
        });
        Self {
            url,
            requests,
            connections,
            _tasks: tasks,
        }
    }
}

async fn serve(
    mut stream: TcpStream,
    answer: impl Fn(u32) -> Vec<u8>,
    asked: &AtomicUsize,
) -> io::Result<()> {
    let mut preface = [0; 24];
    stream.read_exact(&mut preface).await?;
    assert_eq!(&preface, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).await?;
    loop {
        let mut start = [0; 9];
        stream.read_exact(&mut start).await?;
        let [a, b, c, kind, flags, id @ ..] = start;
        let mut payload = vec![0; usize::try_from(u32::from_be_bytes([0, a, b, c])).unwrap()];
        stream.read_exact(&mut payload).await?;
        if kind == SETTINGS && flags == 0 {
            stream.write_all(&frame(SETTINGS, 1, 0, &[])).await?;
        }
        if [DATA, HEADERS].contains(&kind) && flags & END_STREAM != 0 {
            asked.fetch_add(1, Ordering::SeqCst);
            let frames = answer(u32::from_be_bytes(id));
            if frames.is_empty() {
                return Ok(());
            }
            stream.write_all(&frames).await?;
        }
    }
}

async fn before(bad: &Frames) -> Scene {
    Scene::start(&format!("url: \"{}\", http2: true", bad.url), "").await
}

/// What `GOAWAY` and `RST_STREAM` say.
const NO_ERROR: u32 = 0;
const INTERNAL_ERROR: u32 = 2;
const REFUSED_STREAM: u32 = 7;
const CANCEL: u32 = 8;
const ENHANCE_YOUR_CALM: u32 = 11;

#[tokio::test]
async fn a_stream_that_is_reset_is_never_shown_as_complete() {
    for dialect in Dialect::ALL {
        let reply = recorded(dialect, true);
        for code in [NO_ERROR, INTERNAL_ERROR, CANCEL, ENHANCE_YOUR_CALM] {
            for cut in [0, 1, 100, reply.len() / 2] {
                let sent = reply.slice(..cut);
                let bad =
                    Frames::start(move |id| [head(id), data(id, &sent), reset(id, code)].concat())
                        .await;
                let scene = before(&bad).await;
                let name = format!("{dialect}-{code}-{cut}");
                let got = scene.ask(&call(dialect, true, &name)).await.broken();
                assert!(reply[..cut].starts_with(&got.body), "{name}");
                assert_eq!(
                    scene.line_with("model", &name).await["end"],
                    "failed",
                    "{name}"
                );
                assert_eq!(bad.requests.load(Ordering::SeqCst), 1);
                scene.goes_on().await;
            }
        }
    }
}

#[tokio::test]
async fn a_request_that_is_reset_or_cut_off_before_its_head_is_answered_with_502() {
    for code in [
        None,
        Some(INTERNAL_ERROR),
        Some(CANCEL),
        Some(ENHANCE_YOUR_CALM),
    ] {
        let answer = move |id| code.map(|code| reset(id, code)).unwrap_or_default();
        let bad = Frames::start(answer).await;
        let scene = before(&bad).await;
        for (dialect, stream) in calls() {
            let got = scene.ask(&asked(dialect, stream)).await;
            let got = got.refused(dialect, 502);
            assert_eq!(scene.line(&got).await["refusal"], "bad_upstream");
        }
        assert_eq!(
            bad.requests.load(Ordering::SeqCst),
            6,
            "nothing is sent twice"
        );
        scene.goes_on().await;
    }
}

#[tokio::test]
async fn what_a_provider_that_goes_away_still_answers_arrives_and_the_next_request_goes_elsewhere()
{
    let reply = recorded(Dialect::Chat, true);
    let sent = reply.clone();
    let bad = Frames::start(move |id| {
        let end = frame(DATA, END_STREAM, id, b"");
        [go_away(id, NO_ERROR), head(id), data(id, &sent), end].concat()
    })
    .await;
    let scene = before(&bad).await;
    for _ in 0..3 {
        let got = scene.ask(&asked(Dialect::Chat, true)).await.whole();
        assert_eq!(got.body, reply);
    }
    assert_eq!(bad.connections.load(Ordering::SeqCst), 3);
    scene.goes_on().await;
}

#[tokio::test]
async fn a_provider_that_goes_away_with_an_error_is_never_taken_to_have_answered() {
    let reply = recorded(Dialect::Chat, true);
    let sent = reply.slice(..reply.len() / 2);
    let begun =
        Frames::start(move |id| [head(id), data(id, &sent), go_away(0, INTERNAL_ERROR)].concat())
            .await;
    let scene = before(&begun).await;
    let got = scene
        .ask(&call(Dialect::Chat, true, "begun"))
        .await
        .broken();
    assert!(reply.starts_with(&got.body));
    assert_eq!(scene.line_with("model", "begun").await["end"], "failed");
    scene.goes_on().await;

    let silent = Frames::start(|_| go_away(0, INTERNAL_ERROR)).await;
    let scene = before(&silent).await;
    scene
        .ask(&asked(Dialect::Chat, true))
        .await
        .refused(Dialect::Chat, 502);
    scene.goes_on().await;
}

#[tokio::test]
async fn a_connection_that_is_lost_in_the_middle_breaks_the_transfer() {
    let reply = recorded(Dialect::Responses, true);
    let sent = reply.slice(..reply.len() / 2);
    // A frame that no connection survives: data on stream 0.
    let bad =
        Frames::start(move |id| [head(id), data(id, &sent), frame(DATA, 0, 0, b"x")].concat())
            .await;
    let scene = before(&bad).await;
    let got = scene
        .ask(&call(Dialect::Responses, true, "lost"))
        .await
        .broken();
    assert!(reply.starts_with(&got.body));
    assert_eq!(scene.line_with("model", "lost").await["end"], "failed");
    scene.goes_on().await;
}

#[tokio::test]
async fn a_stream_that_is_refused_before_anything_was_done_may_be_asked_again_but_is_never_lost() {
    let bad = Frames::start(|id| reset(id, REFUSED_STREAM)).await;
    let scene = before(&bad).await;
    for (dialect, stream) in calls() {
        scene
            .ask(&asked(dialect, stream))
            .await
            .refused(dialect, 502);
    }
    scene.goes_on().await;
}
