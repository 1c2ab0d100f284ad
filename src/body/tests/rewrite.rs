//! Rewriters, which hold, replace, insert, drop and end.

use http_body_util::Full;
use tokio::sync::oneshot;

use super::*;
use crate::testing::{protocol::check, recorded};

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

#[test]
fn an_answer_of_our_own_in_several_chunks_is_known_to_its_last_byte() {
    let mut body = Rewrite::<Script, Nothing>::answer((0..3).map(ping));
    let length: u64 = (0..3).map(|number| ping(number).bytes().len() as u64).sum();
    let mut left = length;
    for number in 0..3 {
        assert!(!body.is_end_stream());
        assert_eq!(body.size_hint().exact(), Some(left));
        let chunk = now(body.frame()).unwrap().unwrap().into_data().unwrap();
        assert_eq!(chunk.bytes(), ping(number).bytes());
        left -= chunk.bytes().len() as u64;
    }
    assert!(body.is_end_stream());
    assert_eq!(body.size_hint().exact(), Some(0));
    assert!(now(body.frame()).is_none());

    let nothing = Rewrite::<Script, Nothing>::answer([]);
    assert!(nothing.is_end_stream());
    let local = Rewrite::<Script, Nothing>::local(ping(0));
    assert_eq!(text(local).unwrap().matches("ping").count(), 1);
    // What comes from below is of no known length.
    let other = Rewrite::over(stream(pings(1)), Nothing).into_body();
    assert_eq!(other.size_hint().exact(), None);
}

struct Nothing;

impl Rewriter for Nothing {
    fn on_chunk(&mut self, _: Chunk, _: &mut Outbox) {}
}

/// Cuts before the second event.
struct CutSecond(Rejection, usize);

impl Rewriter for CutSecond {
    fn on_chunk(&mut self, chunk: Chunk, out: &mut Outbox) {
        self.1 += 1;
        match self.1 {
            1 => out.send(chunk),
            _ => out.cut(self.0.clone()),
        }
    }
}

/// What goes out of a reply in the Responses dialect that is cut before its second event.
fn cut_response(rejection: Rejection) -> String {
    let events = recorded(Dialect::Responses, true);
    let mut response = Response::new(Full::new(events));
    let form = Form::Stream(Dialect::Responses);
    response.extensions_mut().insert(form);
    let events = response.map(|body| Decoded::new(body, form, ReplyLimits::default()));
    text(Rewrite::over(events, CutSecond(rejection, 0)).into_body()).unwrap()
}

#[test]
fn a_response_that_is_refused_for_good_has_failed_under_its_own_name() {
    let refusal = || Rejection::new(RejectionKind::PolicyRefused, "not \"here\"");
    let sent = cut_response(refusal().with_should_retry(false));
    let view = check(Dialect::Responses, true, sent.as_bytes()).unwrap();
    assert_eq!(view.error.as_deref(), Some("invalid_prompt"), "{sent}");
    let (begun, last) = sent.split_once("event: response.failed\n").unwrap();
    let data = |event: &str| -> serde_json::Value {
        let (_, data) = event.split_once("data: ").unwrap();
        serde_json::from_str(data).unwrap()
    };
    let (begun, last) = (data(begun), data(last));
    assert_eq!(last["sequence_number"], 1);
    assert_eq!(last["response"]["error"]["message"], "not \"here\"");
    for same in ["id", "model", "created_at", "tools"] {
        assert_eq!(last["response"][same], begun["response"][same], "{same}");
    }
    // Others may ask again, and are told so in the event that means just that.
    let sent = cut_response(refusal());
    let view = check(Dialect::Responses, true, sent.as_bytes()).unwrap();
    assert_eq!(view.error.as_deref(), Some("policy_refused"), "{sent}");
}
