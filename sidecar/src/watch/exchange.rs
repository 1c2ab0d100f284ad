use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use http::{Method, Request, Response, StatusCode, Uri};
use luthien_core::{
    body::StreamEnd,
    facts::{Answered, Caller, ClientAddr, Purpose, Repairs, SessionId, UserId},
    reject::Rejection,
    reply::Usage,
    request::LlmBody,
};

use crate::log::{Lines, Members};

/// The name of an exchange, in the log and in `x-luthien-request-id`.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(Arc<Id>);

#[derive(Debug)]
struct Id {
    name: String,
    /// Whether an [`Exchange`] has been begun, which writes the line.
    begun: AtomicBool,
}

impl RequestId {
    pub(crate) fn new(name: String) -> Self {
        let begun = AtomicBool::new(false);
        Self(Arc::new(Id { name, begun }))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0.name
    }
}

/// What is known of an exchange. Dropping it writes its line: whatever happens, there is one.
pub(super) struct Exchange {
    lines: Lines,
    id: Option<RequestId>,
    method: Method,
    target: Uri,
    dialect: Option<&'static str>,
    model: Option<Box<str>>,
    stream: bool,
    caller: Option<Caller>,
    session: Option<SessionId>,
    user: Option<UserId>,
    purpose: Option<Purpose>,
    address: Option<ClientAddr>,
    start: Instant,
    up: u64,

    status: Option<u16>,
    answered: Option<Answered>,
    repairs: Option<Repairs>,
    refusal: Option<Rejection>,
    /// Why the reply was cut after its head.
    cut: Option<&'static str>,
    /// The error in which the provider ended the stream.
    provider_error: Option<String>,
    first_byte: Option<Duration>,
    down: u64,
    events: u64,
    usage: Usage,
    end: Option<StreamEnd>,
}

impl Exchange {
    pub(super) fn begin(request: &Request<LlmBody>, lines: Lines) -> Box<Self> {
        let call = request.body().call();
        let facts = request.extensions();
        let id: Option<RequestId> = facts.get().cloned();
        if let Some(RequestId(id)) = &id {
            id.begun.store(true, Ordering::Relaxed);
        }
        Box::new(Self {
            lines,
            id,
            method: request.method().clone(),
            target: request.uri().clone(),
            dialect: call.map(|call| call.dialect().name()),
            model: call.and_then(|call| call.model()).map(Into::into),
            stream: call.is_some_and(luthien_core::request::LlmRequest::stream),
            caller: facts.get().cloned(),
            session: facts.get().cloned(),
            user: facts.get().cloned(),
            purpose: facts.get().cloned(),
            address: facts.get().copied(),
            start: Instant::now(),
            up: call.map_or(0, |call| call.bytes().len() as u64),
            status: None,
            answered: None,
            repairs: None,
            refusal: None,
            cut: None,
            provider_error: None,
            first_byte: None,
            down: 0,
            events: 0,
            usage: Usage::default(),
            end: None,
        })
    }

    pub(super) fn head<B>(&mut self, response: &Response<B>) {
        self.status = Some(response.status().as_u16());
        let facts = response.extensions();
        self.answered = facts.get().cloned();
        self.repairs = facts.get().copied();
        self.refusal = facts.get().cloned();
    }

    pub(super) fn bytes(&mut self, count: usize) {
        self.down += count as u64;
        self.events += 1;
        if self.first_byte.is_none() {
            self.first_byte = Some(self.start.elapsed());
        }
    }

    pub(super) fn usage(&mut self, usage: &Usage) {
        self.usage.update(usage);
    }

    pub(super) fn cut(&mut self, code: &'static str) {
        self.cut = Some(code);
    }

    pub(super) fn provider_error(&mut self, kind: String) {
        self.provider_error = Some(kind);
    }

    pub(super) fn end(&mut self, end: StreamEnd) {
        self.end = Some(end);
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let end = match (self.end, &self.refusal) {
            (_, Some(refusal)) => end_of(refusal),
            (Some(StreamEnd::Complete), None) => "complete",
            (Some(StreamEnd::Failed), None) => "failed",
            (Some(StreamEnd::Cut), None) => "cut",
            (None, None) if std::thread::panicking() => "failed",
            // Dropped, or never even answered: nobody wanted it any more.
            (Some(StreamEnd::Dropped) | None, None) => GONE,
        };
        self.lines.write(|line| self.describe(line, end));
    }
}

const GONE: &str = "client_gone";

/// How an exchange has ended that was refused.
fn end_of(refusal: &Rejection) -> &'static str {
    match refusal.code() {
        Rejection::CLIENT_GONE => GONE,
        _ => "refused",
    }
}

impl Exchange {
    fn describe(&self, line: &mut Members<'_>, end: &str) {
        line.text("id", self.id.as_ref().map(RequestId::as_str));
        line.text("method", self.method.as_str());
        // Without its query, in which some clients send keys.
        line.text("path", self.target.path());
        line.text("dialect", self.dialect);
        line.text("model", self.model.as_deref());
        line.flag("stream", self.stream);
        line.text("purpose", self.purpose.as_ref().map(Purpose::name));
        line.text("session", self.session.as_ref().map(|SessionId(id)| &**id));
        line.text("user", self.user.as_ref().map(|user| &*user.id));
        line.text("key", self.caller.as_ref().map(Caller::id));
        line.address("address", self.address);
        line.number("status", self.status.map(u64::from));
        line.text(
            "refusal",
            self.refusal.as_ref().map(Rejection::code).or(self.cut),
        );
        line.text("provider_error", self.provider_error.as_deref());
        if let Some(answered) = &self.answered {
            line.text("upstream", &*answered.upstream);
            let attempts = Some(u64::from(answered.attempts));
            line.number("attempts", attempts.filter(|attempts| *attempts > 1));
            line.milliseconds("ms_to_head", answered.time_to_head);
        }
        line.milliseconds("ms_to_first_byte", self.first_byte);
        line.milliseconds("ms", self.start.elapsed());
        line.number("bytes_up", self.up);
        line.number("bytes_down", self.down);
        line.number("events", self.events);
        line.number("input_tokens", self.usage.input);
        line.number("output_tokens", self.usage.output);
        let repairs = self.repairs.unwrap_or_default();
        let some = |count: usize| Some(count as u64).filter(|count| *count > 0);
        line.number("removed_tools", some(repairs.duplicate_tools));
        line.number("removed_tool_results", some(repairs.orphan_tool_results));
        line.text("end", end);
    }
}

/// A request that nobody has looked into yet. If it comes to that, an [`Exchange`] writes its line; if it is refused
/// before, or its client leaves, this does.
pub(crate) struct Unread {
    pub(crate) lines: Lines,
    pub(crate) id: RequestId,
    pub(crate) method: Method,
    pub(crate) target: Uri,
    pub(crate) address: ClientAddr,
    pub(crate) start: Instant,
    /// The answer to it, when there is one.
    pub(crate) status: Option<StatusCode>,
    pub(crate) refusal: Option<Rejection>,
}

impl Drop for Unread {
    fn drop(&mut self) {
        let RequestId(id) = &self.id;
        if id.begun.load(Ordering::Relaxed) {
            return;
        }
        self.lines.write(|line| {
            line.text("id", self.id.as_str());
            line.text("method", self.method.as_str());
            line.text("path", self.target.path());
            line.address("address", Some(self.address));
            line.number(
                "status",
                self.status.map(|status| u64::from(status.as_u16())),
            );
            line.text("refusal", self.refusal.as_ref().map(Rejection::code));
            line.milliseconds("ms", self.start.elapsed());
            line.text("end", self.refusal.as_ref().map_or(GONE, end_of));
        });
    }
}
