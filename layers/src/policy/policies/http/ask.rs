//! Asking: one POST, and again where the connection was at fault.

use std::{io, time::Duration};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, Request, StatusCode, Uri,
    header::{ACCEPT, CONTENT_TYPE, USER_AGENT},
    uri::Scheme,
};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper_util::client::legacy::Client;
use luthien_core::request::LlmRequest;
use tokio::time::sleep;

use super::{answer::Answer, contract::Question};
use crate::connect::{Connector, client, connector, no_tls, system_tls};
use crate::policy::PolicyError;

/// Who is asked.
pub(super) struct Judge {
    client: Client<Connector, Full<Bytes>>,
    url: Uri,
    headers: HeaderMap,
}

/// How long connecting may take: within the policy's deadline there may be time for another attempt.
const CONNECT: Duration = Duration::from_secs(2);
/// How long is waited before it is asked again, each time.
const PAUSES: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(250)];
/// The most bytes of an answer.
const ANSWER: usize = 4 << 20;

/// Why there is no answer.
enum Failed {
    /// It may be better another time.
    Passing(String),
    Lasting(String),
}

impl Judge {
    pub(super) fn new(url: Uri, mut headers: HeaderMap) -> io::Result<Self> {
        let tls = match url.scheme() == Some(&Scheme::HTTPS) {
            true => system_tls()?,
            false => no_tls()?,
        };
        let json = HeaderValue::from_static("application/json");
        headers.insert(CONTENT_TYPE, json.clone());
        headers.entry(ACCEPT).or_insert(json);
        let name = HeaderValue::from_static(concat!("luthien/", env!("CARGO_PKG_VERSION")));
        headers.entry(USER_AGENT).or_insert(name);
        Ok(Self {
            client: client().build(connector(tls, CONNECT, false)),
            url,
            headers,
        })
    }

    /// Asks, until there is an answer or it is clear that there will be none. The policy's deadline ends it.
    pub(super) async fn ask(
        &self,
        question: &Question<'_>,
        conversation: Option<&LlmRequest>,
    ) -> Result<Answer, PolicyError> {
        let body = question.body(conversation);
        let body = body.map_err(|error| PolicyError::new(error.to_string()))?;
        let body = Bytes::from(body);
        let mut pauses = PAUSES.into_iter();
        let answer = loop {
            match (self.post(body.clone()).await, pauses.next()) {
                (Ok(answer), _) => break answer,
                (Err(Failed::Passing(_)), Some(pause)) => sleep(pause).await,
                (Err(Failed::Passing(message) | Failed::Lasting(message)), _) => {
                    return Err(PolicyError::new(message));
                }
            }
        };
        Answer::read(&answer)
    }

    async fn post(&self, body: Bytes) -> Result<Bytes, Failed> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.url.clone();
        *request.headers_mut() = self.headers.clone();
        // Of the address only where it is: a query may hold what is secret.
        let host = self
            .url
            .authority()
            .map_or("", |authority| authority.as_str());
        let lost = |error: &dyn std::error::Error| {
            Failed::Passing(format!("{host} cannot be asked: {}", deepest(error)))
        };
        let response = self.client.request(request).await;
        let response = response.map_err(|error| lost(&error))?;
        match response.status() {
            StatusCode::OK => {}
            status @ (StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT) => {
                return Err(Failed::Passing(format!(
                    "{host} answers with status {status}"
                )));
            }
            status => {
                return Err(Failed::Lasting(format!(
                    "{host} answers with status {status}"
                )));
            }
        }
        match Limited::new(response.into_body(), ANSWER).collect().await {
            Ok(answer) => Ok(answer.to_bytes()),
            Err(error) if error.is::<LengthLimitError>() => Err(Failed::Lasting(format!(
                "{host} answers with more than {ANSWER} bytes"
            ))),
            Err(error) => Err(lost(&*error)),
        }
    }
}

/// What was at the bottom of an error.
fn deepest(error: &dyn std::error::Error) -> String {
    let mut found = error;
    while let Some(source) = found.source() {
        found = source;
    }
    found.to_string()
}
