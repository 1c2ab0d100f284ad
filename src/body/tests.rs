use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderMap, Response, header::CONTENT_LENGTH};
use http_body::Body;
use http_body_util::BodyExt;
use tokio::sync::oneshot;

use super::*;
use crate::{
    BoxError, Dialect,
    reject::{Rejection, RejectionKind},
    request::LlmBody,
    testing::{
        ScriptedBody, Step, cut,
        endings::{self, Witness},
        recorded,
    },
};

type Script = ScriptedBody<Chunk>;

fn stream<B>(body: B) -> Response<B> {
    let mut response = Response::new(body);
    response
        .extensions_mut()
        .insert(Form::Stream(Dialect::Anthropic));
    response
}

fn tap(body: Script, witness: Witness) -> Tap<Script, Witness> {
    Tap::over(stream(body), witness).into_body()
}

struct Nothing;

impl Observe for Nothing {}

/// Forwards everything, as a rewriter.
struct Forward;

impl Rewriter for Forward {
    fn on_chunk(&mut self, chunk: Chunk, out: &mut Outbox) {
        out.send(chunk);
    }
}

#[test]
fn every_body_tells_every_end_once() {
    endings::check(tap);
    endings::check(|body, witness| Rewrite::over(stream(body), witness).into_body());
    // And under each other, in every place of a stack.
    endings::check(|body, witness| Plain::new(tap(body, witness)));
    endings::check(|body, witness| Tap::over(stream(tap(body, witness)), Nothing).into_body());
    endings::check(|body, witness| {
        let inner = Tap::over(stream(body), Nothing).into_body();
        Holding::new(tap_any(inner, witness), ())
    });
    endings::check(|body, witness| Plain::new(Holding::new(tap(body, witness), ())));
    endings::check(|body, witness| tap_any(Impatient::new(body, Forever), witness));
    endings::check(|body, witness| {
        let inner = Rewrite::over(stream(body), Forward).into_body();
        Rewrite::over(stream(inner), witness).into_body()
    });
}

fn tap_any<B>(body: B, witness: Witness) -> Tap<B, Witness>
where
    B: Body<Data = Chunk>,
{
    Tap::over(stream(body), witness).into_body()
}

struct Forever;

impl Patience for Forever {
    fn poll_lost(&mut self, _: &mut Context<'_>) -> Poll<BoxError> {
        Poll::Pending
    }

    fn renew(&mut self) {}
}

#[test]
fn patience_is_renewed_with_every_frame_and_may_end() {
    struct Times(usize);
    impl Patience for Times {
        fn poll_lost(&mut self, cx: &mut Context<'_>) -> Poll<BoxError> {
            self.0 += 1;
            cx.waker().wake_by_ref();
            if self.0 < 3 {
                Poll::Pending
            } else {
                Poll::Ready("too slow".into())
            }
        }

        fn renew(&mut self) {
            self.0 = 0;
        }
    }
    let bytes = || Step::Data(Bytes::from("x"));
    let patient = vec![
        Step::Wait,
        Step::Wait,
        bytes(),
        Step::Wait,
        Step::Wait,
        bytes(),
    ];
    let body = Impatient::new(ScriptedBody::new(patient), Times(0));
    assert_eq!(now(body.collect()).unwrap().to_bytes(), "xx");
    let body = Impatient::new(ScriptedBody::new([bytes(), Step::Hang]), Times(0));
    assert_eq!(now(body.collect()).unwrap_err().to_string(), "too slow");
}

#[test]
fn a_guard_is_held_exactly_as_long_as_the_body_lasts() {
    struct Guard(Arc<AtomicUsize>);
    impl Drop for Guard {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    for hint in [false, true] {
        for server in [false, true] {
            let dropped = Arc::new(AtomicUsize::new(0));
            let script = ScriptedBody::of([Bytes::from("a"), Bytes::from("b")]).with_hint(hint);
            let mut body = Holding::new(script, Guard(dropped.clone()));
            let mut frames = Vec::new();
            while let Some(frame) = now(body.frame()) {
                frames.push((
                    frame.unwrap().into_data().unwrap(),
                    dropped.load(Ordering::Relaxed),
                ));
                if server && body.is_end_stream() {
                    break;
                }
            }
            assert_eq!(frames, [("a".into(), 0), ("b".into(), usize::from(hint))]);
            drop(body);
            assert_eq!(dropped.load(Ordering::Relaxed), 1);
        }
    }
}

/// What a future answers that need not wait.
fn now<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    for _ in 0..1000 {
        if let Poll::Ready(output) = future
            .as_mut()
            .poll(&mut Context::from_waker(std::task::Waker::noop()))
        {
            return output;
        }
    }
    panic!("pending")
}

fn text(body: impl Body<Data = Chunk, Error = BoxError>) -> Result<String, String> {
    now(body.collect())
        .map(|all| String::from_utf8(all.to_bytes().to_vec()).unwrap())
        .map_err(|error| error.to_string())
}

fn ping(number: usize) -> Chunk {
    Chunk::event_of(
        Dialect::Anthropic,
        format!("data: {{\"type\":\"ping\",\"n\":{number}}}\n\n").into(),
    )
}

fn pings(count: usize) -> Script {
    ScriptedBody::of((0..count).map(ping))
}

struct CutAt(usize);

impl Observe for CutAt {
    fn on_chunk(&mut self, _: &Chunk) -> Flow {
        self.0 -= 1;
        if self.0 > 0 {
            Flow::Forward
        } else {
            Flow::Cut(too_much())
        }
    }
}

fn too_much() -> Rejection {
    Rejection::new(RejectionKind::RateLimited, "too much")
}

#[test]
fn a_cut_stream_ends_in_words_of_its_dialect() {
    for (dialect, expected) in [
        (
            Dialect::Anthropic,
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"too much\"}}\n\n",
        ),
        (
            Dialect::Chat,
            "data: {\"error\":{\"message\":\"too much\",\"type\":\"rate_limit_error\",\"param\":null,\"code\":\"rate_limited\"}}\n\n",
        ),
        (
            Dialect::Responses,
            "event: error\ndata: {\"type\":\"error\",\"code\":\"rate_limited\",\"message\":\"too much\",\"param\":null,\"sequence_number\":2}\n\n",
        ),
    ] {
        let mut response = Response::new(pings(5));
        response.extensions_mut().insert(Form::Stream(dialect));
        response.headers_mut().insert(CONTENT_LENGTH, 100.into());
        let response = Tap::over(response, CutAt(3));
        assert!(
            response.headers().is_empty(),
            "a cut breaks a promised length"
        );
        let sent = text(response.into_body()).unwrap();
        assert_eq!(sent.matches("ping").count(), 2);
        assert!(sent.ends_with(expected), "{sent}");
    }
}

#[test]
fn a_cut_of_anything_else_breaks_the_transfer_off() {
    for form in [Form::Opaque, Form::Whole(Dialect::Chat)] {
        let mut response = Response::new(pings(5));
        response.extensions_mut().insert(form);
        response.headers_mut().insert(CONTENT_LENGTH, 100.into());
        let response = Tap::over(response, CutAt(2));
        assert_eq!(response.headers()[CONTENT_LENGTH], "100");
        assert_eq!(text(response.into_body()), Err("too much".into()));
    }
}

#[test]
fn a_cut_cancels_what_lies_below_at_once() {
    let dropped = Arc::new(AtomicUsize::new(0));
    struct Watch(Arc<AtomicUsize>);
    impl Drop for Watch {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let below = Holding::new(pings(5), Watch(dropped.clone()));
    let mut body = Tap::over(stream(below), CutAt(1)).into_body();
    assert!(now(body.frame()).unwrap().is_ok());
    assert_eq!(dropped.load(Ordering::Relaxed), 1);
    assert!(body.is_end_stream());
}

#[test]
fn an_observer_can_cut_while_nothing_comes_but_what_has_come_goes_first() {
    struct Late;
    impl Observe for Late {
        fn poll_cut(&mut self, _: &mut Context<'_>) -> Poll<Rejection> {
            Poll::Ready(too_much())
        }
    }
    let body = ScriptedBody::new([Step::Data(ping(0)), Step::Data(ping(1)), Step::Hang]);
    let sent = text(Tap::over(stream(body), Late).into_body()).unwrap();
    assert_eq!(sent.matches("ping").count(), 2);
    assert!(sent.ends_with("too much\"}}\n\n"));
}

/// Holds the second chunk until a verdict arrives.
struct HoldSecond {
    seen: usize,
    held: Option<Chunk>,
    verdict: oneshot::Receiver<Option<Chunk>>,
    while_waiting: Option<Chunk>,
}

impl Rewriter for HoldSecond {
    fn poll_ready(&mut self, cx: &mut Context<'_>, out: &mut Outbox) -> Poll<()> {
        if self.held.is_none() {
            return Poll::Ready(());
        }
        match std::pin::Pin::new(&mut self.verdict).poll(cx) {
            Poll::Pending => {
                if let Some(sign) = self.while_waiting.take() {
                    out.send(sign);
                }
                Poll::Pending
            }
            Poll::Ready(verdict) => {
                let held = self.held.take();
                match verdict {
                    Ok(Some(replacement)) => out.send(replacement),
                    Ok(None) => {}
                    Err(_) => out.send(held.unwrap()),
                }
                Poll::Ready(())
            }
        }
    }

    fn on_chunk(&mut self, chunk: Chunk, out: &mut Outbox) {
        self.seen += 1;
        if self.seen == 2 {
            self.held = Some(chunk);
        } else {
            out.send(chunk);
        }
    }

    fn poll_finish(&mut self, cx: &mut Context<'_>, out: &mut Outbox) -> Poll<()> {
        self.poll_ready(cx, out)
    }
}

/// Plays chunks through [`HoldSecond`]; the verdict comes when nothing else moves.
fn hold_second(chunks: usize, hint: bool, verdict: Option<&Option<Chunk>>) -> Vec<String> {
    let (judge, receiver) = oneshot::channel();
    let rewriter = HoldSecond {
        seen: 0,
        held: None,
        verdict: receiver,
        while_waiting: Some(ping(99)),
    };
    let mut body = Rewrite::over(stream(pings(chunks).with_hint(hint)), rewriter).into_body();
    let mut judge = Some(judge);
    let mut sent = Vec::new();
    let mut cx = Context::from_waker(std::task::Waker::noop());
    while !body.is_end_stream() {
        match std::pin::Pin::new(&mut body).poll_frame(&mut cx) {
            Poll::Ready(Some(frame)) => {
                let chunk = frame.unwrap().into_data().unwrap();
                sent.push(String::from_utf8(chunk.bytes().to_vec()).unwrap());
            }
            Poll::Ready(None) => break,
            Poll::Pending => match (judge.take().unwrap(), verdict) {
                (judge, Some(verdict)) => judge.send(verdict.clone()).unwrap(),
                (judge, None) => drop(judge),
            },
        }
    }
    sent.iter()
        .map(|sent| {
            sent.split("\"n\":")
                .nth(1)
                .unwrap()
                .trim_end_matches("}\n\n")
                .to_owned()
        })
        .collect()
}

#[test]
fn a_rewriter_holds_replaces_inserts_and_drops() {
    for hint in [false, true] {
        assert_eq!(
            hold_second(4, hint, None),
            ["0", "99", "1", "2", "3"],
            "released"
        );
        assert_eq!(
            hold_second(4, hint, Some(&Some(ping(7)))),
            ["0", "99", "7", "2", "3"],
            "replaced"
        );
        assert_eq!(
            hold_second(4, hint, Some(&None)),
            ["0", "99", "2", "3"],
            "dropped"
        );
        assert_eq!(
            hold_second(2, hint, None),
            ["0", "99", "1"],
            "held to the end"
        );
        assert_eq!(
            hold_second(2, hint, Some(&None)),
            ["0", "99"],
            "the last one dropped"
        );
    }
}

#[test]
fn what_is_held_when_the_provider_fails_is_never_sent() {
    struct HoldAll(Vec<Chunk>);
    impl Rewriter for HoldAll {
        fn on_chunk(&mut self, chunk: Chunk, _: &mut Outbox) {
            self.0.push(chunk);
        }
    }
    let body = ScriptedBody::new([Step::Data(ping(0)), Step::Data(ping(1)), Step::Fail]);
    let mut body = Rewrite::over(stream(body), HoldAll(Vec::new())).into_body();
    assert!(now(body.frame()).unwrap().is_err());
    assert!(now(body.frame()).is_none());
}

#[test]
fn a_rewriter_that_ends_a_reply_cancels_what_lies_below() {
    struct EndAt(usize, Option<Rejection>);
    impl Rewriter for EndAt {
        fn on_chunk(&mut self, chunk: Chunk, out: &mut Outbox) {
            self.0 -= 1;
            out.send(chunk);
            if self.0 == 0 {
                match self.1.take() {
                    Some(rejection) => out.cut(rejection),
                    None => out.end(),
                }
                out.send(ping(9));
            }
        }
    }
    let sent = text(Rewrite::over(stream(pings(5)), EndAt(2, None)).into_body()).unwrap();
    assert_eq!(sent.matches("ping").count(), 2);
    let sent =
        text(Rewrite::over(stream(pings(5)), EndAt(2, Some(too_much()))).into_body()).unwrap();
    assert_eq!(sent.matches("ping").count(), 2);
    assert!(sent.ends_with("too much\"}}\n\n"));
    let mut whole = Response::new(pings(5));
    whole.extensions_mut().insert(Form::Whole(Dialect::Chat));
    assert_eq!(
        text(Rewrite::over(whole, EndAt(1, Some(too_much()))).into_body()),
        Err("too much".into())
    );
}

fn decoded(steps: Vec<Step<Bytes>>, form: Form, hint: bool) -> Decoded<ScriptedBody<Bytes>> {
    Decoded::new(
        ScriptedBody::new(steps).with_hint(hint),
        form,
        ReplyLimits {
            event: 5000,
            stream: 500_000,
            whole: 100_000,
        },
    )
}

/// The chunks of a reply and how it ended.
fn chunks(steps: Vec<Step<Bytes>>, form: Form, hint: bool) -> (Vec<Chunk>, Result<(), String>) {
    let mut body = decoded(steps, form, hint);
    let mut chunks = Vec::new();
    loop {
        match now(body.frame()) {
            Some(Ok(frame)) => chunks.push(frame.into_data().unwrap()),
            Some(Err(error)) => break (chunks, Err(error.to_string())),
            None => break (chunks, Ok(())),
        }
    }
}

fn data(pieces: Vec<Bytes>) -> Vec<Step<Bytes>> {
    pieces
        .into_iter()
        .flat_map(|piece| [Step::Wait, Step::Data(piece)])
        .collect()
}

#[test]
fn one_chunk_is_one_event_and_all_are_the_bytes_that_came() {
    for dialect in Dialect::ALL {
        let bytes = recorded(dialect, true);
        for seed in 0..20 {
            for hint in [false, true] {
                let (chunks, end) = chunks(data(cut(&bytes, seed)), Form::Stream(dialect), hint);
                assert_eq!(end, Ok(()));
                assert!(chunks.iter().all(|chunk| chunk.bytes().ends_with(b"\n\n")));
                assert!(
                    chunks
                        .iter()
                        .all(|chunk| !chunk.event().unwrap().is_unreadable())
                );
                assert_eq!(
                    chunks
                        .iter()
                        .flat_map(|chunk| chunk.bytes().to_vec())
                        .collect::<Vec<_>>(),
                    bytes
                );
            }
        }
    }
}

#[test]
fn a_whole_reply_is_one_chunk() {
    for dialect in Dialect::ALL {
        let bytes = recorded(dialect, false);
        for hint in [false, true] {
            let (chunks, end) = chunks(data(cut(&bytes, 3)), Form::Whole(dialect), hint);
            assert_eq!((chunks.len(), end), (1, Ok(())));
            assert_eq!(chunks[0].bytes(), &bytes);
        }
    }
}

#[test]
fn a_stream_that_ends_without_its_terminal_event_is_lost() {
    for dialect in [Dialect::Anthropic, Dialect::Responses] {
        let all = recorded(dialect, true);
        let last_event = all[..all.len() - 2]
            .windows(2)
            .rposition(|pair| pair == b"\n\n")
            .unwrap()
            + 2;
        for length in [0, 10, last_event] {
            let (chunks, end) = chunks(
                data(cut(&all.slice(..length), 1)),
                Form::Stream(dialect),
                false,
            );
            assert_eq!(
                end,
                Err("the provider's stream ended before its last event".into()),
                "{dialect} {length}"
            );
            assert_eq!(
                chunks
                    .iter()
                    .map(|chunk| chunk.bytes().len())
                    .sum::<usize>(),
                length
            );
        }
    }
}

#[test]
fn chat_may_forget_its_done_but_not_its_finish_reason() {
    let all = recorded(Dialect::Chat, true);
    let said = std::str::from_utf8(&all).unwrap();
    let without_done = all.slice(..said.find("data: [DONE]").unwrap());
    let without_reason = all.slice(..said.find("\"finish_reason\":\"").unwrap());
    assert_eq!(
        chunks(data(vec![without_done]), Form::Stream(Dialect::Chat), false).1,
        Ok(())
    );
    assert!(
        chunks(
            data(vec![without_reason]),
            Form::Stream(Dialect::Chat),
            false
        )
        .1
        .is_err()
    );
    // Another choice that was asked for is still to end; and a finish reason does not heal what broke off.
    let first = said.find("\"finish_reason\":\"").unwrap();
    let one_ended = all.slice(..first + said[first..].find("\n\n").unwrap() + 2);
    let decoded = |steps, choices| {
        let body = decoded(steps, Form::Stream(Dialect::Chat), false).with_choices(choices);
        text(body)
    };
    assert!(decoded(data(vec![one_ended.clone()]), 1).is_ok());
    assert!(decoded(data(vec![one_ended.clone()]), 2).is_err());
    // Said again, it is still one.
    assert!(decoded(data(vec![one_ended.clone(), one_ended.clone()]), 2).is_err());
    assert!(decoded(data(vec![all.slice(..first)]), 0).is_err());
    assert!(decoded(vec![Step::Data(one_ended), Step::Fail], 1).is_err());
}

/// Notes how a reply ended.
#[derive(Clone, Default)]
struct Told(Arc<std::sync::Mutex<Option<StreamEnd>>>);

impl Observe for Told {
    fn on_end(self, end: StreamEnd) {
        *self.0.lock().unwrap() = Some(end);
    }
}

impl Rewriter for Told {
    fn on_chunk(&mut self, _: Chunk, _: &mut Outbox) {}

    fn on_end(self, end: StreamEnd) {
        *self.0.lock().unwrap() = Some(end);
    }
}

/// Cuts at once.
struct Cut;

impl Observe for Cut {
    fn on_chunk(&mut self, _: &Chunk) -> Flow {
        Flow::Cut(Rejection::new(RejectionKind::Internal, "cut").with_code("cut"))
    }
}

#[test]
fn a_stream_that_is_cut_is_complete_for_nobody_further_out() {
    let cut = || stream(Tap::over(stream(pings(2)), Cut).into_body());
    let (watched, rewritten) = (Told::default(), Told::default());
    let last = text(Tap::over(cut(), watched.clone()).into_body()).unwrap();
    // Nor is it a rewriter's to keep back.
    let rewrite = Rewrite::over(cut(), rewritten.clone()).into_body();
    assert_eq!(text(rewrite).unwrap(), last);
    assert!(last.starts_with("event: error\n"), "{last}");
    for told in [watched, rewritten] {
        assert_eq!(*told.0.lock().unwrap(), Some(StreamEnd::Failed));
    }
    let mut body = cut().into_body();
    let chunk = now(body.frame()).unwrap().unwrap().into_data().unwrap();
    assert_eq!(chunk.refusal(), Some("cut"));
}

#[test]
fn what_goes_wrong_after_the_terminal_event_hurts_nobody() {
    for dialect in Dialect::ALL {
        let mut steps = data(cut(&recorded(dialect, true), 1));
        steps.push(Step::Fail);
        assert_eq!(chunks(steps, Form::Stream(dialect), false).1, Ok(()));
        let steps = vec![Step::Data(recorded(dialect, true).slice(..200)), Step::Fail];
        assert_eq!(
            chunks(steps, Form::Stream(dialect), false).1,
            Err("the script says: fail".into())
        );
    }
}

#[test]
fn an_event_without_end_is_cut_in_words_of_the_dialect() {
    let endless = vec![
        Step::Data("data: 1\n\n".into()),
        Step::Data("x".repeat(6000).into()),
        Step::Hang,
    ];
    let (chunks, end) = chunks(endless, Form::Stream(Dialect::Responses), false);
    assert_eq!(end, Ok(()));
    let last = String::from_utf8(chunks[1].bytes().to_vec()).unwrap();
    assert!(
        last.contains("an event of the stream is longer than 5000 bytes"),
        "{last}"
    );
    assert!(last.contains("\"sequence_number\":1"), "{last}");
}

#[test]
fn a_whole_reply_beyond_its_limit_is_broken_off() {
    let steps = data(vec!["[".into(), vec![b'1'; 99_999].into(), "]".into()]);
    let (chunks, end) = chunks(steps, Form::Whole(Dialect::Chat), false);
    assert_eq!(
        (chunks.len(), end),
        (0, Err("the reply is longer than 100000 bytes".into()))
    );
}

#[test]
fn trailers_end_a_reply_and_are_dropped() {
    for (form, bytes) in [
        (Form::Opaque, Bytes::from("x")),
        (Form::Stream(Dialect::Chat), recorded(Dialect::Chat, true)),
        (Form::Whole(Dialect::Chat), recorded(Dialect::Chat, false)),
    ] {
        let (chunks, end) = chunks(
            vec![Step::Data(bytes.clone()), Step::Trailers(HeaderMap::new())],
            form,
            false,
        );
        assert_eq!(end, Ok(()));
        assert_eq!(
            chunks
                .iter()
                .flat_map(|chunk| chunk.bytes().to_vec())
                .collect::<Vec<_>>(),
            bytes
        );
    }
}

#[test]
fn replies_without_a_body_stay_without_one() {
    for hint in [false, true] {
        for form in [Form::Opaque, Form::Whole(Dialect::Chat)] {
            let body = decoded(vec![], form, hint);
            assert_eq!(body.is_end_stream(), hint);
            assert_eq!(chunks(vec![], form, hint).1, Ok(()));
        }
    }
}

#[test]
fn an_unread_body_streams_through_and_keeps_its_hints() {
    let frames = || ScriptedBody::of([Bytes::from("a"), Bytes::from("b")]).with_hint(true);
    let mut body = LlmBody::opaque(frames());
    assert!(body.try_clone().is_none());
    assert_eq!(
        now(body.frame()).unwrap().unwrap().into_data().unwrap(),
        "a"
    );
    assert!(!body.is_end_stream());
    assert_eq!(
        now(body.frame()).unwrap().unwrap().into_data().unwrap(),
        "b"
    );
    assert!(body.is_end_stream());
    let empty = LlmBody::opaque(http_body_util::Empty::new());
    assert!(empty.is_end_stream() && empty.try_clone().is_some());
}

#[test]
fn a_call_is_sent_as_one_frame_of_known_length_and_forgotten() {
    let request =
        crate::request::LlmRequest::parse(Dialect::Chat, "{\"a\":1}".into(), &Default::default())
            .unwrap();
    let mut body = LlmBody::from(request);
    assert_eq!(body.size_hint().exact(), Some(7));
    assert_eq!(
        now(body.frame()).unwrap().unwrap().into_data().unwrap(),
        "{\"a\":1}"
    );
    assert!(body.is_end_stream() && body.call().is_none());
    assert_eq!(body.size_hint().exact(), Some(0));
    assert!(now(body.frame()).is_none());
}

#[test]
fn bodies_are_send_and_observers_may_be_anything() {
    fn is_send<T: Send>(_: &T) {}
    is_send(&tap_send());
    is_send(&LlmBody::default());
    fn tap_send() -> Tap<Script, Nothing> {
        Tap::local(ping(0))
    }
    // Not Sync: an observer may count without locks.
    struct Counter(std::cell::Cell<u32>);
    impl Observe for Counter {
        fn on_chunk(&mut self, _: &Chunk) -> Flow {
            self.0.set(self.0.get() + 1);
            Flow::Forward
        }
    }
    is_send(&Tap::over(stream(pings(1)), Counter(Default::default())));
}
