//! A provider that does what the test tells it, step by step.

use std::ops::{Deref, DerefMut};

use tokio::sync::{mpsc, oneshot};

use crate::{http1::Message, provider, within};

pub(crate) struct Provider {
    socket: provider::Provider,
    requests: mpsc::Receiver<(Message, Wire)>,
}

/// The way back to who asked. When it is dropped the connection is kept alive for the next request.
pub(crate) struct Wire {
    wire: Option<provider::Wire>,
    keep: Option<oneshot::Sender<provider::Wire>>,
}

impl Provider {
    pub(crate) async fn start() -> Self {
        let (hand_over, requests) = mpsc::channel(8);
        let socket = provider::Provider::start(move |request, wire| {
            let hand_over = hand_over.clone();
            async move {
                let (keep, kept) = oneshot::channel();
                let wire = Wire {
                    wire: Some(wire),
                    keep: Some(keep),
                };
                hand_over.send((request, wire)).await.ok();
                Ok(kept.await.ok())
            }
        });
        Self {
            socket: socket.await,
            requests,
        }
    }

    pub(crate) fn url(&self) -> String {
        self.socket.url()
    }

    /// The next request, and the way back to who asks.
    pub(crate) async fn asked(&mut self) -> (Message, Wire) {
        let request = within("a request", self.requests.recv()).await;
        request.expect("the provider goes on")
    }

    /// Whether every request it got was taken by [`asked`](Self::asked).
    pub(crate) fn is_unasked(&mut self) -> bool {
        self.requests.try_recv().is_err()
    }
}

impl Wire {
    /// Closes the connection.
    pub(crate) fn close(mut self) {
        self.keep = None;
    }
}

impl Deref for Wire {
    type Target = provider::Wire;

    fn deref(&self) -> &provider::Wire {
        self.wire.as_ref().unwrap()
    }
}

impl DerefMut for Wire {
    fn deref_mut(&mut self) -> &mut provider::Wire {
        self.wire.as_mut().unwrap()
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if let (Some(keep), Some(wire)) = (self.keep.take(), self.wire.take()) {
            keep.send(wire).ok();
        }
    }
}
