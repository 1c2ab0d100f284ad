use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Buf;
use http::HeaderMap;
use http_body::{Body, Frame};

use crate::BoxError;

/// What a [`ScriptedBody`] does next.
#[derive(Clone, Debug)]
pub enum Step<D> {
    /// A frame of data.
    Data(D),
    /// Trailers.
    Trailers(HeaderMap),
    /// The end, with an error.
    Fail,
    /// `Pending` once; the task is woken.
    Wait,
    /// `Pending` for ever; nobody is woken.
    Hang,
}

/// A body that does what it is told.
///
/// Servers ask [`is_end_stream`](Body::is_end_stream) after every frame and stop polling when it is true; bodies may
/// know or not. So every script should be played with and without the [hint](Self::with_hint).
#[derive(Clone, Debug)]
pub struct ScriptedBody<D> {
    steps: VecDeque<Step<D>>,
    hint: bool,
}

impl<D> ScriptedBody<D> {
    /// A body that takes these steps, then ends.
    pub fn new(steps: impl IntoIterator<Item = Step<D>>) -> Self {
        Self {
            steps: steps.into_iter().collect(),
            hint: false,
        }
    }

    /// A body of these frames.
    pub fn of(frames: impl IntoIterator<Item = D>) -> Self {
        Self::new(frames.into_iter().map(Step::Data))
    }

    /// Whether it tells its end beforehand.
    #[must_use]
    pub fn with_hint(mut self, hint: bool) -> Self {
        self.hint = hint;
        self
    }
}

impl<D: Buf + Unpin> Body for ScriptedBody<D> {
    type Data = D;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<D>, BoxError>>> {
        Poll::Ready(match self.steps.pop_front() {
            None => None,
            Some(Step::Data(data)) => Some(Ok(Frame::data(data))),
            Some(Step::Trailers(trailers)) => Some(Ok(Frame::trailers(trailers))),
            Some(Step::Fail) => {
                self.steps.clear();
                Some(Err("the script says: fail".into()))
            }
            Some(Step::Wait) => {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Some(Step::Hang) => {
                self.steps.push_front(Step::Hang);
                return Poll::Pending;
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.hint && self.steps.is_empty()
    }
}
