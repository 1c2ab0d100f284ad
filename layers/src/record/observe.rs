use std::{
    pin::Pin,
    sync::{Arc, Weak},
    task::{Context, Poll},
};

use http::Response;
use luthien_core::request::{LlmBody, LlmRequest};
use luthien_core::{
    body::{Chunk, Flow, Form, Observe, StreamEnd},
    facts::Answered,
    reject::Rejection,
    reply::{Part, Usage},
};
use tokio::{sync::oneshot, time::Instant};

use super::{
    Durability, Recorder, Tokens,
    note::{Close, Closing, Frames, Note, Noted, Side},
};

/// An exchange that is recorded: lies in the request's extensions, for the layer on the provider's side.
#[derive(Clone, Debug)]
pub(super) struct Recording {
    recorder: Recorder,
    id: Arc<str>,
    start: Instant,
    /// What the client asked: kept alive by nobody here, and told by its place from what policies make of it.
    asked: Option<Weak<LlmRequest>>,
}

impl Recording {
    pub(super) fn new(recorder: Recorder, id: Arc<str>, start: Instant, body: &LlmBody) -> Self {
        let asked = body.shared_call().as_ref().map(Arc::downgrade);
        Self {
            recorder,
            id,
            start,
            asked,
        }
    }

    /// This goes up.
    pub(super) fn sent(&self, body: &LlmBody) {
        let (Some(asked), Some(sent)) = (&self.asked, body.shared_call()) else {
            return;
        };
        if asked.as_ptr() != Arc::as_ptr(&sent) {
            self.note(Noted::Sent(Some(sent)));
        }
    }

    pub(super) fn note(&self, what: Noted) {
        self.recorder.note(Note::now(self.id.clone(), what));
    }

    fn elapsed(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

/// Takes down what the provider sends.
#[derive(Debug)]
pub struct ProviderSide {
    recording: Recording,
    frames: Option<Frames>,
}

impl ProviderSide {
    pub(super) fn new(recording: Recording, form: Form) -> Self {
        let frames = Some(Frames::new(form));
        Self { recording, frames }
    }

    fn tell(&mut self, complete: bool) {
        if let Some(mut frames) = self.frames.take() {
            frames.complete = complete;
            self.recording.note(Noted::Provided(frames));
        }
    }
}

impl Observe for ProviderSide {
    fn on_chunk(&mut self, chunk: &Chunk) -> Flow {
        if let Some(frames) = &mut self.frames {
            frames.add(chunk, self.recording.elapsed());
            if let Some(piece) = frames.piece() {
                self.recording.note(Noted::Piece(Side::Provider, piece));
            }
        }
        Flow::Forward
    }

    fn poll_last(&mut self, _: &mut Context<'_>) -> Poll<()> {
        // Before the other side is told of the end.
        self.tell(true);
        Poll::Ready(())
    }

    fn on_end(mut self, end: StreamEnd) {
        self.tell(end == StreamEnd::Complete);
    }
}

/// Takes down what the client gets, and holds the last of it back until it is recorded.
#[derive(Debug)]
pub struct ClientSide {
    recording: Recording,
    frames: Frames,
    status: Option<u16>,
    answered: Option<Answered>,
    reason: Option<Box<str>>,
    refused: bool,
    provider_error: bool,
    usage: Usage,
    /// Told when the end is recorded.
    durable: Option<oneshot::Receiver<()>>,
    is_told: bool,
}

impl ClientSide {
    /// An exchange that nobody has answered yet.
    pub(super) fn new(recording: Recording) -> Self {
        Self {
            recording,
            frames: Frames::new(Form::Opaque),
            status: None,
            answered: None,
            reason: None,
            refused: false,
            provider_error: false,
            usage: Usage::default(),
            durable: None,
            is_told: false,
        }
    }

    /// It has been answered.
    pub(super) fn head<B>(&mut self, response: &Response<B>) {
        self.frames = Frames::new(Form::of(response));
        self.status = Some(response.status().as_u16());
        let facts = response.extensions();
        self.answered = facts.get().cloned();
        if let Some(rejection) = facts.get::<Rejection>() {
            self.refused = true;
            self.reason = Some(rejection.code().into());
        } else {
            self.provider_error = response.status().as_u16() >= 400;
        }
    }

    /// It was answered by a refusal of ours.
    pub(super) fn refused<B>(mut self, response: &Response<B>) {
        self.head(response);
        self.tell(Close::Refused, false);
    }

    fn tell(&mut self, close: Close, waits: bool) {
        if std::mem::replace(&mut self.is_told, true) {
            return;
        }
        let mut reply = std::mem::replace(&mut self.frames, Frames::new(Form::Opaque));
        reply.complete = matches!(close, Close::Whole | Close::ProviderError);
        let ending = Box::new(Closing {
            close,
            reason: self.reason.take(),
            status: self.status,
            upstream: self
                .answered
                .as_ref()
                .map(|answered| (&*answered.upstream).into()),
            attempts: self
                .answered
                .as_ref()
                .map_or(0, |answered| answered.attempts),
            usage: Tokens::from(&self.usage),
            duration_us: self.recording.elapsed(),
            reply,
        });
        let (sender, receiver) = oneshot::channel();
        let durable = waits.then_some(sender);
        if waits {
            self.durable = Some(receiver);
        }
        self.recording.note(Noted::Ended { ending, durable });
    }

    fn whole(&self) -> Close {
        match (self.refused, self.provider_error) {
            (true, _) => Close::Refused,
            (false, true) => Close::ProviderError,
            (false, false) => Close::Whole,
        }
    }
}

impl Observe for ClientSide {
    fn on_chunk(&mut self, chunk: &Chunk) -> Flow {
        if self.is_told {
            return Flow::Forward;
        }
        let at = self.recording.elapsed();
        self.frames.add(chunk, at);
        if let Some(piece) = self.frames.piece() {
            self.recording.note(Noted::Piece(Side::Client, piece));
        }
        if let Some(code) = chunk.refusal() {
            self.refused = true;
            self.reason = Some(code.into());
        } else if chunk.is_terminal()
            && let Some(kind) = error_of(chunk)
        {
            self.provider_error = true;
            self.reason = Some(kind);
        }
        if let Some(usage) = chunk.usage() {
            self.usage.update(usage);
        }
        Flow::Forward
    }

    fn poll_last(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.is_told {
            let close = self.whole();
            let waits = self.recording.recorder.durability() != Durability::Relaxed;
            self.tell(close, waits);
        }
        match &mut self.durable {
            // Whether it could be written or not: an exchange does not fail because its record does.
            Some(durable) => Pin::new(durable).poll(cx).map(|_| ()),
            None => Poll::Ready(()),
        }
    }

    fn on_end(mut self, end: StreamEnd) {
        let close = match end {
            StreamEnd::Complete => self.whole(),
            StreamEnd::Dropped => Close::ClientGone,
            StreamEnd::Failed | StreamEnd::Cut if self.refused => Close::Refused,
            StreamEnd::Failed | StreamEnd::Cut => Close::Broken,
        };
        self.tell(close, false);
    }
}

/// Nobody has answered, or nobody has waited for the answer.
impl Drop for ClientSide {
    fn drop(&mut self) {
        self.tell(Close::ClientGone, false);
    }
}

/// The error in which a provider ends a stream, in its word; as long as a word may be.
fn error_of(chunk: &Chunk) -> Option<Box<str>> {
    chunk.event()?.parts().iter().find_map(|part| match part {
        Part::Error { kind, .. } => {
            let kind = kind.as_ref().map(|kind| kind.decode());
            let word = kind.as_deref().unwrap_or("unknown");
            Some(word.chars().take(64).collect::<String>().into())
        }
        _ => None,
    })
}
