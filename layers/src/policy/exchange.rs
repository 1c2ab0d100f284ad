//! One exchange: the request before its policies, then the reply before its own.

use std::{pin::pin, sync::Arc};

use http::{
    HeaderValue, Request, Response,
    header::{CONTENT_LENGTH, CONTENT_TYPE},
};
use http_body::Body;
use http_body_util::{BodyExt, Either};
use luthien_core::{
    BoxError, Dialect,
    body::{Chunk, Form, Rewrite},
    decision::Exchange,
    facts::{Caller, Purpose, SessionId, UserId},
    reject::{Rejection, RejectionKind},
    reply::Answer,
    request::{LlmBody, LlmRequest},
};
use tower_service::Service;

use super::{
    PolicySet, Watches,
    ask::ask_now,
    context::Shared,
    engine::{Engine, judge_whole},
    ledger::Ledger,
    models::{Asking, CallerCredential},
    request::{Asked, judge_request},
    run::{Run, decision_id, session_key},
};
#[cfg(feature = "guards")]
use super::{PolicySettings, effects::Place};

/// The reply as it came, or with policies over it.
pub type PolicyBody<B> = Either<B, Rewrite<B, Engine>>;

pub(super) async fn exchange<S, B>(
    set: Arc<PolicySet>,
    mut service: S,
    mut request: Request<LlmBody>,
) -> Result<Response<PolicyBody<B>>, S::Error>
where
    S: Service<Request<LlmBody>, Response = Response<B>>,
    B: Body<Data = Chunk>,
    B::Error: Into<BoxError>,
{
    // Without policies nobody reads it; and what is no call has nothing that they could read.
    let is_judged = !set.entries.is_empty();
    let Some(call) = is_judged.then(|| request.body().shared_call()).flatten() else {
        return Ok(service.call(request).await?.map(Either::Left));
    };
    let exchange = describe(&request, &call);
    let applying = set.applying(&exchange);
    if applying.places.is_empty() {
        drop(call);
        return Ok(service.call(request).await?.map(Either::Left));
    }
    let watches = applying.watches | applying.shadows;
    let dialect = call.dialect();
    let streamed = call.stream();
    let session = set.sessions.open(session_key(
        exchange.caller.as_ref(),
        exchange.session.as_ref(),
    ));
    let asking = set.judge.as_ref().map(|model| {
        let model = model.clone();
        let caller = CallerCredential::of(request.headers(), request.extensions());
        Arc::new(Asking { model, caller })
    });
    let mut run = Run {
        shared: Arc::new(Shared {
            ledger: Arc::new(Ledger::new(exchange, set.sink.clone())),
            #[cfg(feature = "guards")]
            place: Arc::new(place(&set.settings, watches, &call)),
            request: Some(call),
            session,
            asking,
        }),
        set,
        applying,
    };
    if watches.has(Watches::REQUEST) {
        match judge_request(&run, request.body_mut()).await {
            Asked::Send => {}
            Asked::Answer(text) => return Ok(answer(&run, dialect, streamed, &text)),
            Asked::Refuse(rejection) => return Ok(refuse(rejection, dialect)),
        }
    }
    // From here on the conversation stays in memory only for those who want it.
    let conversation = match watches.has(Watches::CONVERSATION) {
        true => request.body().shared_call(),
        false => None,
    };
    run.shared = Arc::new(run.shared.with_request(conversation));
    let run = Arc::new(run);
    let mut response = service.call(request).await?;
    head(&run, &mut response);
    if !watches.has(Watches::REPLY) || !response.status().is_success() {
        return Ok(response.map(Either::Left));
    }
    if !run.watches(Watches::REPLY) {
        return Ok(shadowed(run, dialect, response));
    }
    match Form::of(&response) {
        Form::Stream(dialect) => {
            let engine = Engine::new(run, dialect);
            Ok(Rewrite::over(response, engine).map(Either::Right))
        }
        Form::Whole(dialect) => Ok(whole(run, dialect, response).await),
        // Neither events nor JSON: nobody can judge it.
        _ => {
            let message = "the provider's reply is neither a stream of events nor JSON";
            let rejection =
                Rejection::new(RejectionKind::BadUpstream, message).with_code("unreadable_reply");
            Ok(refuse(rejection, dialect))
        }
    }
}

fn describe(request: &Request<LlmBody>, call: &LlmRequest) -> Exchange {
    let facts = request.extensions();
    Exchange {
        id: facts
            .get::<luthien_core::facts::ExchangeId>()
            .map(|id| id.0.clone()),
        dialect: call.dialect(),
        path: request.uri().path().into(),
        model: call.model().map(Into::into),
        caller: facts.get::<Caller>().cloned(),
        user: facts.get::<UserId>().cloned(),
        session: facts.get::<SessionId>().cloned(),
        purpose: facts.get::<Purpose>().cloned(),
    }
}

/// Where the calls of an exchange run. Nobody reads the request for it unless a policy wants to know.
#[cfg(feature = "guards")]
fn place(settings: &PolicySettings, watches: Watches, call: &LlmRequest) -> Place {
    let known = Place::known(settings.project.as_deref(), settings.home.as_deref());
    if watches.has(Watches::EFFECTS) {
        known.or_said_by(call)
    } else {
        known
    }
}

/// Shows the head of a reply to those who add to it.
fn head<B>(run: &Run, response: &mut Response<B>) {
    for entry in run
        .entries(Watches::HEAD)
        .filter(|entry| entry.is_enforced())
    {
        let cx = run.context(entry);
        let headers = response.headers_mut();
        if let Err(failed) = ask_now(entry, || entry.policy.head(headers, &cx)) {
            cx.emit(luthien_core::decision::Severity::Warning, &failed.reason);
        }
    }
}

/// Shows a reply to policies in the shadow. It keeps its length: nothing is changed.
fn shadowed<B>(run: Arc<Run>, dialect: Dialect, response: Response<B>) -> Response<PolicyBody<B>>
where
    B: Body<Data = Chunk>,
    B::Error: Into<BoxError>,
{
    let length = response.headers().get(CONTENT_LENGTH).cloned();
    let mut response = Rewrite::over(response, Engine::new(run, dialect)).map(Either::Right);
    if let Some(length) = length {
        response.headers_mut().insert(CONTENT_LENGTH, length);
    }
    response
}

/// Waits for a whole reply and judges it: its head is held back as well, so that what cannot be let go still gets a status
/// of its own.
async fn whole<B>(run: Arc<Run>, dialect: Dialect, response: Response<B>) -> Response<PolicyBody<B>>
where
    B: Body<Data = Chunk>,
    B::Error: Into<BoxError>,
{
    let (mut head, body) = response.into_parts();
    let mut body = pin!(body);
    let mut reply = None;
    while let Some(frame) = body.frame().await {
        match frame.map(http_body::Frame::into_data) {
            Ok(Ok(chunk)) => reply = Some(chunk),
            // Trailers.
            Ok(Err(_)) => {}
            Err(error) => return refuse(broken(error.into()), dialect),
        }
    }
    let Some(reply) = reply else {
        let message = "the provider's reply is empty";
        let rejection = Rejection::new(RejectionKind::BadUpstream, message);
        return refuse(rejection.with_code("unreadable_reply"), dialect);
    };
    match judge_whole(run, dialect, reply).await {
        Ok(reply) => {
            head.headers
                .insert(CONTENT_LENGTH, reply.bytes().len().into());
            let body = Rewrite::answer([reply]);
            Response::from_parts(head, Either::Right(body))
        }
        Err(rejection) => refuse(rejection, dialect),
    }
}

/// The reply was lost on its way. Nothing of it has gone out, so the client can still be told so.
fn broken(error: BoxError) -> Rejection {
    match error.downcast::<Rejection>() {
        Ok(rejection) => *rejection,
        Err(error) => Rejection::new(
            RejectionKind::BadUpstream,
            format!("the provider's reply was lost: {error}"),
        ),
    }
}

/// A reply of our own in the model's place.
fn answer<B>(run: &Run, dialect: Dialect, stream: bool, text: &str) -> Response<PolicyBody<B>>
where
    B: Body<Data = Chunk>,
    B::Error: Into<BoxError>,
{
    #[allow(
        clippy::disallowed_types,
        reason = "the date of a reply, where dialects date theirs"
    )]
    let now = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH);
    let id = decision_id().to_string();
    let answer = Answer {
        text,
        model: run.shared.ledger.exchange().model.as_deref(),
        created: now.map_or(0, |now| now.as_secs()),
        id: &id,
    };
    let body = Rewrite::answer(answer.chunks(dialect, stream));
    let mut response = Response::new(Either::Right(body));
    let content_type = HeaderValue::from_static(Answer::content_type(stream));
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    let form = if stream {
        Form::Stream(dialect)
    } else {
        Form::Whole(dialect)
    };
    response.extensions_mut().insert(form);
    head(run, &mut response);
    response
}

fn refuse<B>(rejection: Rejection, dialect: Dialect) -> Response<PolicyBody<B>>
where
    B: Body<Data = Chunk>,
    B::Error: Into<BoxError>,
{
    rejection.respond(dialect, |chunk| Either::Right(Rewrite::local(chunk)))
}
