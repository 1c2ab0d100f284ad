//! Observers, and the ends of replies that they cut.

use http::header::CONTENT_LENGTH;

use super::*;

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
    let below = Holding::new(pings(5), Guard(dropped.clone()));
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
