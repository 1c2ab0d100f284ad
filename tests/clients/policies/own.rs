//! Policies of one's own, in a service of one's own: those that refuse requests or never answer. None that comes with
//! Luthien does.

use std::{
    future::pending,
    marker::PhantomData,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::Router;
use luthien::{
    policy::{
        Context, Denial, Entry, Policy, PolicyError, PolicyLayer, PolicySet, RequestVerdict,
        ToolCall, Verdict, Watches,
    },
    upstream::{Upstream, Upstreams},
};
use luthien_core::request::LlmRequest;
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinSet};
use tower::Layer;

use super::{DENIED, NEXT, history, is_next};
use crate::{
    claude_code::{Claude, bash, result},
    codex::{Codex, shell},
    model::{HELLO, Say, thinking},
    run::{Agent, Home, Ran, run},
    support::provider::Provider,
};

/// Says this to every request but those of the next turn, and never answers about a call.
struct NotNow {
    verdict: RequestVerdict,
    asked: Arc<AtomicUsize>,
}

impl Policy for NotNow {
    fn watches(&self) -> Watches {
        Watches::REQUEST | Watches::TOOL_CALLS
    }

    async fn on_request(
        &self,
        request: &LlmRequest,
        _: &Context,
    ) -> Result<RequestVerdict, PolicyError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let next = memchr::memmem::find(request.bytes(), NEXT.as_bytes()).is_some();
        Ok(match next {
            true => RequestVerdict::Allow,
            false => self.verdict.clone(),
        })
    }

    async fn on_tool_call(&self, _: &ToolCall, _: &Context) -> Result<Verdict, PolicyError> {
        pending().await
    }
}

fn denial() -> Denial {
    Denial::new("not_now", "the office is closed").with_remedy("come back tomorrow")
}

/// An agent before a service with such a policy.
struct House<A> {
    home: Home,
    provider: Provider,
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
    _serving: JoinSet<()>,
    agent: PhantomData<A>,
}

impl<A: Agent> House<A> {
    async fn new(verdict: RequestVerdict, model: fn(&Value) -> Vec<Say>) -> Self {
        let provider = thinking(model).await;
        let asked = Arc::new(AtomicUsize::new(0));
        let policy = NotNow {
            verdict,
            asked: asked.clone(),
        };
        let entry = Entry::new("not-now", policy).with_deadline(Duration::from_millis(50));
        let upstream = Upstream::new("provider", &provider.url()).unwrap();
        let upstreams = Upstreams::builder().upstream(upstream).build().unwrap();
        let policies = PolicyLayer::new(PolicySet::new(vec![entry]));
        let proxy = luthien::gate(policies).layer(upstreams);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let app = Router::new().fallback_service(proxy);
            axum::serve(listener, app).await.unwrap();
        });
        Self {
            home: Home::new(),
            provider,
            address,
            asked,
            _serving: serving,
            agent: PhantomData,
        }
    }

    async fn turn(&self, arguments: &[&str]) -> Ran {
        let mut command = self.home.command(A::program());
        A::point(&mut command, &format!("http://{}", self.address));
        run(command.args(A::ARGUMENTS).args(arguments)).await
    }

    /// One request has come, and gone no further.
    fn asked_once(&self) {
        let asked = self.asked.load(Ordering::SeqCst);
        assert_eq!((asked, self.provider.count()), (1, 0));
    }

    /// The next turn is the first that reaches the provider.
    async fn next(&self, arguments: &[&str]) -> crate::support::http1::Message {
        let ran = self.turn(arguments).await.well();
        assert_eq!(A::words(&ran), "Hello there");
        self.provider.only()
    }
}

const CLAUDE: [&str; 2] = ["-p", "Do it."];
const CLAUDE_NEXT: [&str; 3] = ["--continue", "-p", NEXT];
const CODEX: [&str; 1] = ["Do it."];
const CODEX_NEXT: [&str; 3] = ["resume", "--last", NEXT];

/// Why the request was refused, as it is shown.
fn shown(words: &str) -> &str {
    for part in [
        "Luthien blocked this request: the office is closed.",
        "What to do: come back tomorrow.",
        "Decision d-",
    ] {
        assert!(words.contains(part), "{part}: {words}");
    }
    words
}

#[tokio::test]
async fn claude_code_takes_an_answer_in_the_models_place_for_the_answer() {
    let answer = RequestVerdict::Answer(denial());
    let house = House::<Claude>::new(answer, |_| HELLO.to_vec()).await;
    let ran = house.turn(&CLAUDE).await.well();
    let words = shown(Claude::words(&ran));
    house.asked_once();
    let said = history::anthropic(&house.next(&CLAUDE_NEXT).await);
    assert_eq!(said, [history::Said::text(words)]);
}

#[tokio::test]
async fn codex_takes_an_answer_in_the_models_place_for_the_answer() {
    let answer = RequestVerdict::Answer(denial());
    let house = House::<Codex>::new(answer, |_| HELLO.to_vec()).await;
    let ran = house.turn(&CODEX).await.well();
    let words = shown(Codex::words(&ran));
    house.asked_once();
    let said = history::responses(&house.next(&CODEX_NEXT).await);
    assert_eq!(said, [history::Said::text(words)]);
}

#[tokio::test]
async fn claude_code_shows_the_error_of_a_refused_request_and_does_not_try_again() {
    let refuse = RequestVerdict::Refuse(denial());
    let house = House::<Claude>::new(refuse, |_| HELLO.to_vec()).await;
    let ran = house.turn(&CLAUDE).await;
    assert_eq!(ran.status.code(), Some(1), "{ran:?}");
    assert_eq!(result(&ran)["api_error_status"], 451);
    shown(Claude::words(&ran));
    house.asked_once();
    assert_eq!(history::anthropic(&house.next(&CLAUDE_NEXT).await), []);
}

#[tokio::test]
async fn codex_shows_the_error_of_a_refused_request_and_does_not_try_again() {
    let refuse = RequestVerdict::Refuse(denial());
    let house = House::<Codex>::new(refuse, |_| HELLO.to_vec()).await;
    let ran = house.turn(&CODEX).await;
    assert_eq!(ran.status.code(), Some(1), "{ran:?}");
    let failed = ran.line("a failure", |line| line["type"] == "turn.failed");
    let message: Value =
        serde_json::from_str(failed["error"]["message"].as_str().unwrap()).unwrap();
    shown(message["error"]["message"].as_str().unwrap());
    house.asked_once();
    assert_eq!(history::responses(&house.next(&CODEX_NEXT).await), []);
}

/// In place of a call about which nobody has said anything in time.
fn late(words: &str, tool: &str) {
    let start = format!(
        "Luthien blocked a call of the tool `{tool}`: a check that must pass first could not be made."
    );
    assert!(words.starts_with(&start), "{words}");
}

#[tokio::test]
async fn claude_code_runs_no_call_that_was_not_judged_in_time() {
    let house = House::<Claude>::new(RequestVerdict::Allow, |body| match is_next(body) {
        true => HELLO.to_vec(),
        false => vec![bash("toolu_A", DENIED)],
    })
    .await;
    let may = ["--allowedTools", "Bash"];
    let ran = house.turn(&[&may[..], &CLAUDE[..]].concat()).await.well();
    late(Claude::words(&ran), "Bash");
    assert_eq!(house.home.made(), [""; 0]);
    let ran = house.turn(&CLAUDE_NEXT).await.well();
    assert_eq!(Claude::words(&ran), "Hello there");
    assert_eq!(house.provider.count(), 2);
    history::anthropic(&house.provider.last());
}

#[tokio::test]
async fn codex_runs_no_call_that_was_not_judged_in_time() {
    let house = House::<Codex>::new(RequestVerdict::Allow, |body| match is_next(body) {
        true => HELLO.to_vec(),
        false => vec![shell("call_A", DENIED)],
    })
    .await;
    let ran = house.turn(&CODEX).await.well();
    late(Codex::words(&ran), "exec_command");
    assert_eq!(house.home.made(), [""; 0]);
    let ran = house.turn(&CODEX_NEXT).await.well();
    assert_eq!(Codex::words(&ran), "Hello there");
    assert_eq!(house.provider.count(), 2);
    history::responses(&house.provider.last());
}
