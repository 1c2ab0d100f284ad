//! All layers, in the order that is recommended.
//!
//! Read from top to bottom as a request goes; a reply goes the other way.
//!
//! | | layer | stands here because |
//! |---|---|---|
//! | 1 | [`Identity`] | reads headers alone, so nothing is buffered for a stranger |
//! | 2 | [`Parse`] | everything below speaks of messages, and nothing above needs to |
//! | 3 | [`Session`] | names the conversation, for all below |
//! | 4 | [`Record`] | takes down what clients ask and get, refusals included; the last of a reply waits for it, and for nothing else |
//! | 5 | [`MetricsRoom`] | counts and times what clients ask and get, refusals included |
//! | 6 | *yours* | [`with_watch`](Stack::with_watch): sees what was asked and what was answered, refusals included |
//! | 7 | [`Limit`] | what is too large is refused before it costs anybody's account; repairs what goes up |
//! | 8 | [`Rate`] | counts calls, not attempts; holds its places until the reply is over |
//! | 9 | [`Policies`] | judges what has its place in the accounts already; a judge who thinks is no provider who is late |
//! | 10 | [`RecordProvider`] | takes down what goes up and comes back, below whatever changes it |
//! | 11 | [`MetricsProvider`] | notes when: what is between this and 5 is our own time |
//! | 12 | [`Deadline`] | bounds everything that waits for somebody else, and nothing that waits for us |
//! | 13 | [`Decode`] | directly above whatever answers: one frame, one event |
//! | 14 | [`Upstreams`](crate::upstream::Upstreams) | chooses, puts credentials on, goes on to the next |
//!
//! Whatever must count each attempt belongs below 12, whatever must count each call above it.
//!
//! ```
//! use std::{num::NonZeroU32, time::Duration};
//! use http::Request;
//! use luthien::{
//!     deadline::{DeadlineLayer, Deadlines},
//!     identity::IdentityLayer,
//!     rate::{LocalLedger, Per, RateLayer, Rule},
//!     stack::Stack,
//! };
//! use luthien_core::testing::{Provider, send};
//! use tower::Layer;
//!
//! let rule = Rule::requests(Per::Key, NonZeroU32::new(600).unwrap(), Duration::from_secs(60));
//! let stack = Stack::new(IdentityLayer::passthrough())
//!     .with_rate(RateLayer::new(LocalLedger::new(vec![rule])))
//!     .with_deadline(DeadlineLayer::new(Deadlines::default()));
//!
//! // In place of the provider of a test, `Upstreams`.
//! let provider = Provider::default();
//! let service = stack.layer(provider.clone());
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
//! # runtime.block_on(async {
//! let request = Request::post("/v1/messages").header("x-api-key", "sk-…").body(r#"{"messages":[]}"#.into()).unwrap();
//! let response = send(&service, request).await;
//! assert_eq!(response.headers()["ratelimit"], r#""requests-per-key-1m";r=599;t=1"#);
//! assert_eq!(provider.seen()[0].head.headers["x-api-key"], "sk-…");
//! # });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use luthien_core::gate::{Decode, DecodeLayer, Parse, ParseLayer};
use tower_layer::{Identity as NoLayer, Layer};

use crate::{
    deadline::{Deadline, DeadlineLayer, Deadlines},
    identity::{Identity, IdentityLayer, Session, SessionLayer},
    limit::{Limit, LimitLayer},
    metrics::{MetricsLayer, MetricsProvider, MetricsProviderLayer, MetricsRoom},
    policy::{Policies, PolicyLayer, PolicySet},
    rate::{LocalLedger, Rate, RateLayer},
    record::{ProviderSideLayer, Record, RecordLayer, RecordProvider},
};

/// The recommended stack, as one layer over whatever answers. See the [module docs](self).
#[derive(Clone, Debug)]
pub struct Stack<W = NoLayer> {
    identity: IdentityLayer,
    parse: ParseLayer,
    record: RecordLayer,
    metrics: MetricsLayer,
    watch: W,
    limit: LimitLayer,
    rate: RateLayer,
    policy: PolicyLayer,
    deadline: DeadlineLayer,
    decode: DecodeLayer,
}

impl Stack {
    /// The stack with the default settings of every layer, no rates, no policies, no record and no metrics. Who may call is for you to say.
    pub fn new(identity: IdentityLayer) -> Self {
        Self {
            identity,
            parse: ParseLayer::new(),
            record: RecordLayer::off(),
            metrics: MetricsLayer::off(),
            watch: NoLayer::new(),
            limit: LimitLayer::new(),
            rate: RateLayer::new(LocalLedger::new(Vec::new())),
            policy: PolicyLayer::new(PolicySet::new(Vec::new())),
            deadline: DeadlineLayer::new(Deadlines::default()),
            decode: DecodeLayer::new(),
        }
    }
}

impl<W> Stack<W> {
    /// Other settings for the outer gate.
    #[must_use]
    pub fn with_parse(mut self, parse: ParseLayer) -> Self {
        self.parse = parse;
        self
    }

    /// A layer of your own that sees everything that is asked and answered.
    #[must_use]
    pub fn with_watch<V>(self, watch: V) -> Stack<V> {
        let Self {
            identity,
            parse,
            record,
            metrics,
            limit,
            rate,
            policy,
            deadline,
            decode,
            ..
        } = self;
        Stack {
            identity,
            parse,
            record,
            metrics,
            watch,
            limit,
            rate,
            policy,
            deadline,
            decode,
        }
    }

    /// A record.
    #[must_use]
    pub fn with_record(mut self, record: RecordLayer) -> Self {
        self.record = record;
        self
    }

    /// Metrics.
    #[must_use]
    pub fn with_metrics(mut self, metrics: MetricsLayer) -> Self {
        self.metrics = metrics;
        self
    }

    /// Other limits.
    #[must_use]
    pub fn with_limit(mut self, limit: LimitLayer) -> Self {
        self.limit = limit;
        self
    }

    /// Rates.
    #[must_use]
    pub fn with_rate(mut self, rate: RateLayer) -> Self {
        self.rate = rate;
        self
    }

    /// Policies.
    #[must_use]
    pub fn with_policy(mut self, policy: PolicyLayer) -> Self {
        self.policy = policy;
        self
    }

    /// Other deadlines.
    #[must_use]
    pub fn with_deadline(mut self, deadline: DeadlineLayer) -> Self {
        self.deadline = deadline;
        self
    }

    /// Other settings for the inner gate.
    #[must_use]
    pub fn with_decode(mut self, decode: DecodeLayer) -> Self {
        self.decode = decode;
        self
    }
}

/// What stands below the layer of your own.
pub type Rooms<S> = Limit<Rate<Policies<RecordProvider<MetricsProvider<Deadline<Decode<S>>>>>>>;

impl<S, W> Layer<S> for Stack<W>
where
    W: Layer<Rooms<S>>,
{
    type Service = Identity<Parse<Session<Record<MetricsRoom<W::Service>>>>>;

    fn layer(&self, inner: S) -> Self::Service {
        // Inside out: the numbers of the table.
        let service = self.decode.layer(inner); // 13
        let service = self.deadline.layer(service); // 12
        let service = MetricsProviderLayer::new().layer(service); // 11
        let service = ProviderSideLayer::new().layer(service); // 10
        let service = self.policy.layer(service); // 9
        let service = self.rate.layer(service); // 8
        let service = self.limit.layer(service); // 7
        let service = self.watch.layer(service); // 6
        let service = self.metrics.layer(service); // 5
        let service = self.record.layer(service); // 4
        let service = SessionLayer::new().layer(service); // 3
        let service = self.parse.layer(service); // 2
        self.identity.layer(service) // 1
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use http::Request;
    use luthien_core::{
        Dialect,
        facts::{Purpose, SessionId},
        request::LlmBody,
        testing::{Provider, Reply, recorded, request, send},
    };
    use tower::{Layer, ServiceExt};

    use super::*;
    use crate::{
        identity::{KeyEntry, KeyRing},
        policy::{Context, Denial, Entry, Policy, PolicyError, RequestVerdict, Watches},
        rate::{Per, Rule},
    };

    #[tokio::test]
    async fn every_dialect_passes_byte_for_byte_through_the_whole_stack() {
        let one = NonZeroU32::MAX;
        let minute = std::time::Duration::from_secs(60);
        let rules = vec![
            Rule::requests(Per::Key, one, minute),
            Rule::output_tokens(Per::Session, one, minute),
            Rule::concurrent(Per::User, one),
        ];
        let stack = Stack::new(IdentityLayer::passthrough())
            .with_rate(RateLayer::new(LocalLedger::new(rules)));
        for dialect in Dialect::ALL {
            for stream in [true, false] {
                for seed in 0..10 {
                    let reply = recorded(dialect, stream);
                    let script = if stream {
                        Reply::events(&reply, seed)
                    } else {
                        Reply::json(&reply, seed)
                    };
                    let provider = Provider::new([script]);
                    let asked = Request::post(dialect.path())
                        .header("x-api-key", "sk")
                        .body(request(dialect, stream));
                    let response = send(&stack.layer(provider.clone()), asked.unwrap()).await;
                    assert_eq!(response.body(), &Ok(reply));
                    assert_eq!(provider.seen()[0].body, Some(request(dialect, stream)));
                }
            }
        }
    }

    #[tokio::test]
    async fn a_stranger_is_refused_before_his_body_is_read() {
        let provider = Provider::default();
        let (_, entry) = KeyEntry::generate("k").unwrap();
        let service =
            Stack::new(IdentityLayer::keys(KeyRing::new([entry]))).layer(provider.clone());
        let endless = luthien_core::testing::ScriptedBody::<bytes::Bytes>::new([
            luthien_core::testing::Step::Hang,
        ]);
        let asked = Request::post("/v1/messages")
            .header("x-api-key", "sk")
            .body(endless)
            .unwrap();
        assert_eq!(service.oneshot(asked).await.unwrap().status(), 401);
        assert!(provider.seen().is_empty());
    }

    #[tokio::test]
    async fn what_a_policy_refuses_is_counted_and_asks_no_provider() {
        struct Silence;
        impl Policy for Silence {
            fn watches(&self) -> Watches {
                Watches::REQUEST
            }

            async fn on_request(
                &self,
                _: &luthien_core::request::LlmRequest,
                _: &Context,
            ) -> Result<RequestVerdict, PolicyError> {
                let denial = Denial::new("silence", "nobody asks here");
                Ok(RequestVerdict::Answer(denial))
            }
        }
        let minute = std::time::Duration::from_secs(60);
        let rule = Rule::requests(Per::Key, NonZeroU32::MIN, minute);
        let set = PolicySet::new(vec![Entry::new("silence", Silence)]);
        let provider = Provider::default();
        let service = Stack::new(IdentityLayer::passthrough())
            .with_rate(RateLayer::new(LocalLedger::new(vec![rule])))
            .with_policy(PolicyLayer::new(set))
            .layer(provider.clone());
        let mut statuses = Vec::new();
        for _ in 0..2 {
            let asked = Request::post("/v1/messages")
                .header("x-api-key", "sk")
                .body(request(Dialect::Anthropic, true));
            statuses.push(send(&service, asked.unwrap()).await.status().as_u16());
        }
        assert_eq!(statuses, [200, 429]);
        assert!(provider.seen().is_empty());
    }

    #[tokio::test]
    async fn the_layer_in_the_middle_knows_the_session_and_sees_refusals() {
        let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let log = seen.clone();
        let watch = tower::layer::layer_fn(move |inner| {
            let log = log.clone();
            tower::service_fn(move |request: Request<LlmBody>| {
                let (log, inner) = (log.clone(), Clone::clone(&inner));
                async move {
                    let facts = request.extensions();
                    let session = facts.get().map(|SessionId(id)| id.to_string());
                    let purpose = facts.get::<Purpose>().map(Purpose::name);
                    let response = ServiceExt::<Request<LlmBody>>::oneshot(inner, request).await;
                    let response: Result<http::Response<_>, std::convert::Infallible> = response;
                    log.lock().unwrap().push((
                        session,
                        purpose,
                        response.as_ref().unwrap().status().as_u16(),
                    ));
                    response
                }
            })
        });
        let stack = Stack::new(IdentityLayer::passthrough())
            .with_limit(LimitLayer::new().with_messages(0))
            .with_watch(watch);
        let service = stack.layer(Provider::default());
        let asked = Request::post("/v1/responses")
            .header("session-id", "s")
            .body(request(Dialect::Responses, true));
        assert_eq!(send(&service, asked.unwrap()).await.status(), 413);
        assert_eq!(
            *seen.lock().unwrap(),
            [(Some("s".to_owned()), Some("turn"), 413)]
        );
    }
}
