use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use http::{Method, Request, Response, Uri};
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
pub(crate) struct RequestId(pub(crate) Arc<str>);

/// A mark on responses whose exchange is in the log, or will be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Logged;

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
        Box::new(Self {
            lines,
            id: facts.get().cloned(),
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
            first_byte: None,
            down: 0,
            events: 0,
            usage: Usage::default(),
            end: None,
        })
    }

    pub(super) fn head<B>(&mut self, response: &mut Response<B>) {
        self.status = Some(response.status().as_u16());
        let facts = response.extensions_mut();
        self.answered = facts.get().cloned();
        self.repairs = facts.get().copied();
        self.refusal = facts.get().cloned();
        facts.insert(Logged);
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

    pub(super) fn end(&mut self, end: StreamEnd) {
        self.end = Some(end);
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let end = match (self.end, &self.refusal) {
            (_, Some(_)) => "refused",
            (Some(StreamEnd::Complete), None) => "complete",
            (Some(StreamEnd::Failed), None) => "failed",
            (Some(StreamEnd::Cut), None) => "cut",
            // Dropped, or never even answered: nobody wanted it any more.
            (Some(StreamEnd::Dropped) | None, None) => "client_gone",
        };
        self.lines.write(|line| self.describe(line, end));
    }
}

impl Exchange {
    fn describe(&self, line: &mut Members<'_>, end: &str) {
        line.text("id", self.id.as_ref().map(|RequestId(id)| &**id));
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
        line.text("refusal", self.refusal.as_ref().map(Rejection::code));
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

/// The line for a request that was refused before anybody looked inside.
pub(crate) struct Refused<'a> {
    pub(crate) id: &'a RequestId,
    pub(crate) method: &'a Method,
    pub(crate) target: &'a Uri,
    pub(crate) address: ClientAddr,
    pub(crate) status: u16,
    pub(crate) code: &'a str,
    pub(crate) time: Duration,
}

impl Refused<'_> {
    pub(crate) fn log(&self, lines: &Lines) {
        lines.write(|line| {
            line.text("id", &*self.id.0);
            line.text("method", self.method.as_str());
            line.text("path", self.target.path());
            line.address("address", Some(self.address));
            line.number("status", u64::from(self.status));
            line.text("refusal", self.code);
            line.milliseconds("ms", self.time);
            line.text("end", "refused");
        });
    }
}
