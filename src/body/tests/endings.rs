//! What every body does: it tells its end once, and may be sent to another thread.

use super::*;
use crate::{
    request::LlmBody,
    testing::endings::{self, Witness},
};

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
