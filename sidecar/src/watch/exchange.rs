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

/// The name of an exchange, in the log and in `x-luthien-request-id`.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(pub(crate) Arc<str>);

/// A mark on responses whose exchange is in the log, or will be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Logged;

/// What is known of an exchange. Dropping it writes its line: whatever happens, there is one.
pub(super) struct Exchange {
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
    pub(super) fn begin(request: &Request<LlmBody>) -> Box<Self> {
        let call = request.body().call();
        let facts = request.extensions();
        Box::new(Self {
            id: facts.get().cloned(),
            method: request.method().clone(),
            target: request.uri().clone(),
            dialect: call.map(|call| call.dialect().name()),
            model: call.and_then(|call| call.model()).map(Into::into),
            stream: call.is_some_and(|call| call.stream()),
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
        let repairs = self.repairs.unwrap_or_default();
        tracing::info!(
            target: "luthien::exchange",
            id = self.id.as_ref().map(|RequestId(id)| &**id),
            method = self.method.as_str(),
            // Without its query, in which some clients send keys.
            path = self.target.path(),
            dialect = self.dialect,
            // What clients choose is quoted, so that a terminal obeys none of it.
            model = self.model.as_deref().map(tracing::field::debug),
            stream = self.stream,
            purpose = self.purpose.as_ref().map(Purpose::name),
            session = self.session.as_ref().map(|SessionId(id)| tracing::field::debug(id)),
            user = self.user.as_ref().map(|user| tracing::field::debug(&user.id)),
            key = self.caller.as_ref().map(Caller::id),
            address = self.address.map(|ClientAddr(address)| tracing::field::display(address)),
            status = self.status,
            refusal = self.refusal.as_ref().map(Rejection::code),
            upstream = self.answered.as_ref().map(|answered| &*answered.upstream),
            attempts = self.answered.as_ref().map(|answered| answered.attempts).filter(|attempts| *attempts > 1),
            ms_to_head = self.answered.as_ref().map(|answered| milliseconds(answered.time_to_head)),
            ms_to_first_byte = self.first_byte.map(milliseconds),
            ms = milliseconds(self.start.elapsed()),
            bytes_up = self.up,
            bytes_down = self.down,
            events = self.events,
            input_tokens = self.usage.input,
            output_tokens = self.usage.output,
            removed_tools = Some(repairs.duplicate_tools).filter(|removed| *removed > 0),
            removed_tool_results = Some(repairs.orphan_tool_results).filter(|removed| *removed > 0),
            end,
            "exchange",
        );
    }
}

/// The line for a request that was refused before anybody looked inside.
pub(crate) fn refused(
    id: &RequestId,
    method: &Method,
    target: &Uri,
    address: ClientAddr,
    status: u16,
    code: &str,
    time: Duration,
) {
    tracing::info!(
        target: "luthien::exchange",
        id = &*id.0,
        method = method.as_str(),
        path = target.path(),
        address = %address.0,
        status,
        refusal = code,
        ms = milliseconds(time),
        end = "refused",
        "exchange",
    );
}

/// With three digits after the point.
fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}
