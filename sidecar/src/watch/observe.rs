use std::{
    pin::Pin,
    task::{Context, Poll},
};

use luthien_core::{
    body::{Chunk, Flow, Observe, StreamEnd},
    reject::{Rejection, RejectionKind},
    reply::Part,
};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::exchange::Exchange;

/// Counts what goes by, and ends the reply when we stop.
pub(crate) struct Observer {
    exchange: Box<Exchange>,
    stop: CancellationToken,
    /// Made when the reply first has to be waited for.
    stopped: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
}

impl Observer {
    pub(super) fn new(exchange: Box<Exchange>, stop: CancellationToken) -> Self {
        Self {
            exchange,
            stop,
            stopped: None,
        }
    }
}

impl Observe for Observer {
    fn on_chunk(&mut self, chunk: &Chunk) -> Flow {
        self.exchange.bytes(chunk.bytes().len());
        if let Some(code) = chunk.refusal() {
            self.exchange.cut(code);
        } else if chunk.is_terminal()
            && let Some(kind) = error_of(chunk)
        {
            self.exchange.provider_error(kind);
        }
        if let Some(usage) = chunk.usage() {
            self.exchange.usage(usage);
        }
        Flow::Forward
    }

    fn poll_cut(&mut self, cx: &mut Context<'_>) -> Poll<Rejection> {
        let stop = &self.stop;
        let stopped = self
            .stopped
            .get_or_insert_with(|| Box::pin(stop.clone().cancelled_owned()));
        let exchange = &mut self.exchange;
        stopped.as_mut().poll(cx).map(|()| {
            let message = "the sidecar is stopping: ask again in a moment";
            let rejection =
                Rejection::new(RejectionKind::Unavailable, message).with_code("stopping");
            exchange.cut(rejection.code());
            rejection
        })
    }

    fn on_end(mut self, end: StreamEnd) {
        self.exchange.end(end);
    }
}

/// The error in which a provider ends a stream, in its word; as long as a word may be.
fn error_of(chunk: &Chunk) -> Option<String> {
    chunk.event()?.parts().iter().find_map(|part| match part {
        Part::Error { kind, .. } => {
            let kind = kind.as_ref().map(|kind| kind.decode());
            Some(
                kind.as_deref()
                    .unwrap_or("unknown")
                    .chars()
                    .take(64)
                    .collect(),
            )
        }
        _ => None,
    })
}
