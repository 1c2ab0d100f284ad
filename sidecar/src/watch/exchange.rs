use std::time::Duration;

use http::{Request, Response};
use luthien_core::{
    body::StreamEnd,
    facts::{Answered, Caller, Purpose, Repairs, SessionId, UserId},
    reject::Rejection,
    reply::Usage,
    request::LlmBody,
};

use super::Asked;
use crate::log::Members;

/// What is known of an exchange. Dropping it writes its line: whatever happens, there is one.
pub(super) struct Exchange {
    /// Without it nobody is told: only the edge's requests have lines.
    asked: Option<Asked>,
    dialect: Option<&'static str>,
    model: Option<Box<str>>,
    stream: bool,
    caller: Option<Caller>,
    session: Option<SessionId>,
    user: Option<UserId>,
    purpose: Option<Purpose>,
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
    pub(super) fn begin(request: &Request<LlmBody>) -> Box<Self> {
        let call = request.body().call();
        let facts = request.extensions();
        let asked: Option<Asked> = facts.get().cloned();
        if let Some(asked) = &asked {
            asked.begin();
        }
        Box::new(Self {
            asked,
            dialect: call.map(|call| call.dialect().name()),
            model: call.and_then(|call| call.model()).map(Into::into),
            stream: call.is_some_and(luthien_core::request::LlmRequest::stream),
            caller: facts.get().cloned(),
            session: facts.get().cloned(),
            user: facts.get().cloned(),
            purpose: facts.get().cloned(),
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
            self.first_byte = self.asked.as_ref().map(Asked::elapsed);
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
        if let Some(asked) = &self.asked {
            asked.line(|line| self.describe(line, end));
        }
    }
}

/// How an exchange has ended whose client left.
pub(super) const GONE: &str = "client_gone";

/// How an exchange has ended that was refused.
pub(super) fn end_of(refusal: &Rejection) -> &'static str {
    match refusal.code() {
        Rejection::CLIENT_GONE => GONE,
        _ => "refused",
    }
}

impl Exchange {
    fn describe(&self, line: &mut Members<'_>, end: &str) {
        line.text("dialect", self.dialect);
        line.text("model", self.model.as_deref());
        line.flag("stream", self.stream);
        line.text("purpose", self.purpose.as_ref().map(Purpose::name));
        line.text("session", self.session.as_ref().map(|SessionId(id)| &**id));
        line.text("user", self.user.as_ref().map(|user| &*user.id));
        line.text("key", self.caller.as_ref().map(Caller::id));
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
        line.milliseconds("ms", self.asked.as_ref().map(Asked::elapsed));
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
