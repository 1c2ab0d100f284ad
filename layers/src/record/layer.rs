use std::{
    mem,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use http::{Request, Response};
use http_body::Body;
use luthien_core::{
    BoxError, Dialect,
    body::{Chunk, Tap},
    facts::ExchangeId,
    reject::{Rejection, RejectionKind},
    request::LlmBody,
};
use pin_project::pin_project;
use tokio::{sync::oneshot, time::Instant};
use tower_layer::Layer;
use tower_service::Service;

use super::{
    Durability, Recorder, asked,
    note::Noted,
    observe::{ClientSide, Recording},
};

/// Records what clients ask and get. See the [module docs](super).
#[derive(Clone, Debug, Default)]
pub struct RecordLayer {
    recorder: Option<Recorder>,
}

impl RecordLayer {
    /// Records with this recorder.
    pub fn new(recorder: Recorder) -> Self {
        let recorder = Some(recorder);
        Self { recorder }
    }

    /// Records nothing.
    pub fn off() -> Self {
        Self::default()
    }
}

impl<S> Layer<S> for RecordLayer {
    type Service = Record<S>;

    fn layer(&self, inner: S) -> Record<S> {
        Record {
            inner,
            recorder: self.recorder.clone(),
        }
    }
}

/// See [`RecordLayer`].
#[derive(Clone, Debug)]
pub struct Record<S> {
    inner: S,
    recorder: Option<Recorder>,
}

impl<S, B> Service<Request<LlmBody>> for Record<S>
where
    S: Service<Request<LlmBody>, Response = Response<B>> + Clone,
    B: Body<Data = Chunk>,
    B::Error: Into<BoxError>,
{
    type Response = Response<Tap<B, Option<ClientSide>>>;
    type Error = S::Error;
    type Future = RecordFuture<S>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<LlmBody>) -> RecordFuture<S> {
        let Some(recorder) = &self.recorder else {
            return RecordFuture::calling(self.inner.call(request), None);
        };
        let dialect = request.body().dialect();
        let dialect =
            dialect.unwrap_or_else(|| Dialect::of_client(request.uri().path(), request.headers()));
        let required = recorder.is_required();
        if !recorder.takes_requests() {
            return RecordFuture::refused(dialect);
        }
        let id = request.extensions().get::<ExchangeId>();
        let id = id.map_or_else(|| recorder.name(), |ExchangeId(id)| id.clone());
        let recording = Recording::new(recorder.clone(), id, Instant::now(), request.body());
        let waits = recorder.durability() == Durability::Request;
        let (sender, receiver) = oneshot::channel();
        recording.note(Noted::Asked {
            asked: Box::new(asked::of(&request)),
            request: request.body().shared_call(),
            durable: waits.then_some(sender),
        });
        request.extensions_mut().insert(recording.clone());
        let side = Some(ClientSide::new(recording));
        if !waits {
            return RecordFuture::calling(self.inner.call(request), side);
        }
        let other = self.inner.clone();
        // The one that is ready goes along, and leaves one behind that is not.
        let service = mem::replace(&mut self.inner, other);
        RecordFuture {
            state: State::Waiting {
                durable: receiver,
                refuses: required.then_some(dialect),
                call: Some(Box::new((service, request))),
            },
            side,
        }
    }
}

/// The future of [`Record`].
#[pin_project]
pub struct RecordFuture<S: Service<Request<LlmBody>>> {
    #[pin]
    state: State<S>,
    side: Option<ClientSide>,
}

#[pin_project(project = StateProj)]
enum State<S: Service<Request<LlmBody>>> {
    /// Nothing goes up before the request is on the disk.
    Waiting {
        durable: oneshot::Receiver<()>,
        /// In which dialect it is refused, if it may not go up without.
        refuses: Option<Dialect>,
        call: Option<Box<(S, Request<LlmBody>)>>,
    },
    Calling(#[pin] S::Future),
    /// `None` once it was refused.
    Refused(Option<Dialect>),
}

impl<S: Service<Request<LlmBody>>> RecordFuture<S> {
    fn calling(future: S::Future, side: Option<ClientSide>) -> Self {
        let state = State::Calling(future);
        Self { state, side }
    }

    fn refused(dialect: Dialect) -> Self {
        let state = State::Refused(Some(dialect));
        Self { state, side: None }
    }
}

impl<S, B> Future for RecordFuture<S>
where
    S: Service<Request<LlmBody>, Response = Response<B>>,
    B: Body<Data = Chunk>,
    B::Error: Into<BoxError>,
{
    type Output = Result<Response<Tap<B, Option<ClientSide>>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let next = match this.state.as_mut().project() {
                StateProj::Calling(future) => {
                    let response = ready!(future.poll(cx))?;
                    let mut side = this.side.take();
                    if let Some(side) = &mut side {
                        side.head(&response);
                    }
                    return Poll::Ready(Ok(Tap::over(response, side)));
                }
                StateProj::Refused(dialect) => {
                    // Polled after it had answered: it stays silent.
                    let Some(dialect) = dialect.take() else {
                        return Poll::Pending;
                    };
                    let response = refusal().respond(dialect, Tap::local);
                    if let Some(side) = this.side.take() {
                        side.refused(&response);
                    }
                    return Poll::Ready(Ok(response));
                }
                StateProj::Waiting {
                    durable,
                    refuses,
                    call,
                } => {
                    let is_written = ready!(Pin::new(durable).poll(cx)).is_ok();
                    match (call.take(), refuses) {
                        (_, Some(dialect)) if !is_written => State::Refused(Some(*dialect)),
                        (Some(call), _) => {
                            let (mut service, request) = *call;
                            State::Calling(service.call(request))
                        }
                        (None, _) => return Poll::Pending,
                    }
                }
            };
            this.state.set(next);
        }
    }
}

/// In place of an exchange that cannot be recorded, where it must be.
fn refusal() -> Rejection {
    let message = "this cannot be recorded at the moment, and nothing may happen unrecorded here";
    Rejection::new(RejectionKind::Unavailable, message)
        .with_code("not_recorded")
        .with_retry_after(Duration::from_secs(5))
}
