use std::{
    collections::HashSet,
    convert::Infallible,
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use luthien_core::{
    Dialect,
    body::Chunk,
    facts::{Answered, CREDENTIAL_HEADERS, Caller, Destination},
    reject::{Rejection, RejectionKind},
    request::LlmBody,
    upstream::{Admit, Outcome},
};
use rustls::ClientConfig;
use tower_service::Service;

use super::{
    attempt::{Attempt, answered, left_alone},
    client::{self, HttpClient, UpstreamBody},
    headers,
    select::{Route, Table, Upstream, UpstreamError},
};
use crate::connect;

/// Describes [`Upstreams`].
#[derive(Debug, Default)]
pub struct Builder {
    upstreams: Vec<Upstream>,
    routes: Vec<(Vec<String>, Vec<String>)>,
    connect: Option<Duration>,
    tls: Option<ClientConfig>,
    admit: Option<Arc<dyn Admit>>,
}

impl Builder {
    /// One more upstream. Without a route, a request goes to the first that speaks its dialect.
    #[must_use]
    pub fn upstream(mut self, upstream: Upstream) -> Self {
        self.upstreams.push(upstream);
        self
    }

    /// Models of these patterns (`*` stands for anything) go to these upstreams, in this order; those among them that do
    /// not speak the request's dialect are passed over. The first route that has any counts.
    #[must_use]
    pub fn route<M, U>(mut self, models: M, upstreams: U) -> Self
    where
        M: IntoIterator,
        M::Item: Into<String>,
        U: IntoIterator,
        U::Item: Into<String>,
    {
        let models = models.into_iter().map(Into::into).collect();
        self.routes
            .push((models, upstreams.into_iter().map(Into::into).collect()));
        self
    }

    /// How long connecting may take, handshake included; 5 seconds unless told otherwise.
    #[must_use]
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect = Some(limit);
        self
    }

    /// Asks before each attempt whether the upstream may be asked, and tells what came of it. Those that may not are passed over; if
    /// there is no other, the request is refused with a 503 (`circuit_open`).
    #[must_use]
    pub fn admit(mut self, admit: Arc<dyn Admit>) -> Self {
        self.admit = Some(admit);
        self
    }

    /// Another TLS configuration than one that trusts what the system trusts.
    #[must_use]
    pub fn tls(mut self, config: ClientConfig) -> Self {
        self.tls = Some(config);
        self
    }

    /// Builds the service. Connects to nobody yet. Must be called inside a tokio runtime.
    ///
    /// # Errors
    ///
    /// If two upstreams have one name, a route names none, a credential cannot stand in a header, or the system's root
    /// certificates cannot be read.
    pub fn build(self) -> Result<Upstreams, UpstreamError> {
        let mut names = HashSet::new();
        for upstream in &self.upstreams {
            if !names.insert(upstream.name.clone()) {
                return Err(UpstreamError::Twice(upstream.name.to_string()));
            }
            if upstream
                .credential
                .as_ref()
                .is_some_and(|credential| !credential.is_sound())
            {
                return Err(UpstreamError::Credential(upstream.name.to_string()));
            }
        }
        let place = |name: String| {
            let found = self
                .upstreams
                .iter()
                .position(|upstream| *upstream.name == *name);
            found.ok_or(UpstreamError::Unknown(name))
        };
        let routes = self.routes.into_iter().map(|(models, upstreams)| {
            // Every text is a pattern.
            let models = models
                .iter()
                .filter_map(|model| model.parse().ok())
                .collect();
            let upstreams = upstreams.into_iter().map(place).collect::<Result<_, _>>()?;
            Ok(Route { models, upstreams })
        });
        let routes = routes.collect::<Result<_, _>>()?;
        let tls = match self.tls {
            Some(tls) => tls,
            None if self.upstreams.iter().any(Upstream::is_tls) => {
                connect::system_tls().map_err(UpstreamError::Roots)?
            }
            None => connect::no_tls().map_err(UpstreamError::Roots)?,
        };
        let limit = self.connect.unwrap_or(Duration::from_secs(5));
        let http2 = self
            .upstreams
            .iter()
            .any(|upstream| upstream.http2)
            .then(|| Http2 {
                agreed: client::agreed_http2(tls.clone(), limit),
                assumed: client::assumed_http2(tls.clone(), limit),
            });
        let table = Table {
            upstreams: self.upstreams,
            routes,
        };
        Ok(Upstreams {
            shared: Arc::new(Shared {
                http1: client::http1(tls, limit),
                http2,
                table,
                admit: self.admit.unwrap_or_else(|| Arc::new(())),
            }),
        })
    }
}

/// The providers as one service. See the [module docs](super). Cloning shares connections.
#[derive(Clone, Debug)]
pub struct Upstreams {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    table: Table,
    http1: HttpClient,
    http2: Option<Http2>,
    admit: Arc<dyn Admit>,
}

#[derive(Debug)]
struct Http2 {
    /// Over TLS: if both sides want it.
    agreed: HttpClient,
    /// Over plain TCP: because the configuration says so.
    assumed: HttpClient,
}

impl Upstreams {
    /// Describes upstreams.
    pub fn builder() -> Builder {
        Builder::default()
    }
}

impl Service<Request<LlmBody>> for Upstreams {
    type Response = Response<UpstreamBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<LlmBody>) -> Self::Future {
        let shared = self.shared.clone();
        // One allocation, beside a network call.
        Box::pin(async move { Ok(shared.send(request).await) })
    }
}

impl Shared {
    async fn send(&self, request: Request<LlmBody>) -> Response<UpstreamBody> {
        let start = Instant::now();
        let call = request.body().call();
        let is_call = call.is_some();
        let dialect = match call {
            Some(call) => call.dialect(),
            None => Dialect::of_client(request.uri().path(), request.headers()),
        };
        let destination = request.extensions().get::<Destination>();
        let candidates = match destination {
            Some(Destination(name)) => self.table.named(dialect, name),
            None => {
                let model = call.and_then(|call| call.model());
                self.table.candidates(dialect, model)
            }
        };
        let model: Option<Box<str>> = call.and_then(|call| call.model()).map(Into::into);
        let mut outgoing = Outgoing::new(request);
        let mut refusal = None;
        // After how long the first of those that are left alone may be asked again.
        let mut wait: Option<Duration> = None;
        for (place, upstream) in candidates.iter().enumerate() {
            let last = place + 1 == candidates.len();
            let mut attempt =
                match Attempt::begin(&*self.admit, &upstream.name, model.as_deref(), !last) {
                    Ok(attempt) => attempt,
                    Err(rest) => {
                        wait = Some(wait.map_or(rest, |wait| wait.min(rest)));
                        continue;
                    }
                };
            let request = match outgoing.next(upstream, last) {
                Ok(request) => request,
                Err(rejection) => return refuse(rejection, dialect),
            };
            let sent = client::send(self.client(upstream), request).await;
            attempt.report(match &sent {
                Ok(response) => {
                    let is_shared = outgoing.with_credential && upstream.credential.is_some();
                    answered(response, is_shared, attempt.elapsed())
                }
                Err(failure) if failure.is_the_clients() => Outcome::Abandoned {
                    after: attempt.elapsed(),
                },
                Err(_) => Outcome::Unreachable,
            });
            match sent {
                Ok(response) if outgoing.is_spent() || !is_busy(response.status()) => {
                    let attempts = u32::try_from(place + 1).unwrap_or(u32::MAX);
                    let answered = Answered {
                        upstream: upstream.name.clone(),
                        time_to_head: start.elapsed(),
                        attempts,
                    };
                    let mut response = client::receive(response, is_call);
                    headers::clean_response(response.headers_mut());
                    response.extensions_mut().insert(answered);
                    return response;
                }
                Ok(response) => {
                    let status = response.status().as_u16();
                    tracing::info!(%upstream, status, "the upstream is busy, the next one is tried");
                }
                Err(failure) => {
                    let is_the_clients = failure.is_the_clients();
                    if !is_the_clients {
                        tracing::warn!(%upstream, error = %failure, "the upstream cannot be reached");
                    }
                    refusal = Some(failure.rejection(upstream));
                    if outgoing.is_spent() || is_the_clients {
                        break;
                    }
                }
            }
        }
        let refusal = refusal.or_else(|| wait.map(left_alone));
        refuse(refusal.unwrap_or_else(|| nobody(dialect)), dialect)
    }

    fn client(&self, upstream: &Upstream) -> &HttpClient {
        match &self.http2 {
            Some(http2) if upstream.http2 && upstream.is_tls() => &http2.agreed,
            Some(http2) if upstream.http2 => &http2.assumed,
            _ => &self.http1,
        }
    }
}

/// Whether another upstream may do better.
fn is_busy(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 500 | 502 | 503 | 504 | 529)
}

/// A request on its way, to one upstream after the other.
struct Outgoing {
    method: Method,
    target: Uri,
    headers: HeaderMap,
    /// Whether the upstream's credential is to be put on: the caller's was one of ours.
    with_credential: bool,
    /// `None` once it was sent and cannot be sent again.
    body: Option<LlmBody>,
}

impl Outgoing {
    fn new(request: Request<LlmBody>) -> Self {
        let (mut head, body) = request.into_parts();
        headers::clean_request(&mut head.headers);
        let with_credential = matches!(head.extensions.get(), Some(Caller::Key { .. }));
        if with_credential {
            for name in &CREDENTIAL_HEADERS {
                head.headers.remove(name);
            }
        }
        Self {
            method: head.method,
            target: head.uri,
            headers: head.headers,
            with_credential,
            body: Some(body),
        }
    }

    /// The request for this upstream; the `last` one gets what there is, the others a copy.
    fn next(&mut self, upstream: &Upstream, last: bool) -> Result<Request<LlmBody>, Rejection> {
        let copy = if last {
            None
        } else {
            self.body.as_ref().and_then(LlmBody::try_clone)
        };
        let body = match copy {
            Some(copy) => copy,
            None => self.body.take().unwrap_or_default(),
        };
        let mut request = Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = upstream.target(&self.target).map_err(|error| {
            Rejection::new(
                RejectionKind::InvalidRequest,
                format!("the target cannot be sent on: {error}"),
            )
        })?;
        *request.headers_mut() = if self.is_spent() {
            mem::take(&mut self.headers)
        } else {
            self.headers.clone()
        };
        if let (true, Some(credential)) = (self.with_credential, &upstream.credential) {
            credential.put_on(request.headers_mut());
        }
        Ok(request)
    }

    fn is_spent(&self) -> bool {
        self.body.is_none()
    }
}

fn nobody(dialect: Dialect) -> Rejection {
    let message =
        format!("no upstream speaks the dialect {dialect}: name one in the configuration");
    Rejection::new(RejectionKind::NotFound, message).with_code("no_upstream")
}

fn refuse(rejection: Rejection, dialect: Dialect) -> Response<UpstreamBody> {
    let body = |chunk: Chunk| {
        Full::new(chunk.into_bytes())
            .map_err(|never| match never {})
            .boxed_unsync()
    };
    rejection.respond(dialect, body)
}
