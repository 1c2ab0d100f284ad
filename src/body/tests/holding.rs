//! Guards and patience: what lasts as long as a body, and what may end it.

use bytes::Bytes;

use super::*;

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
