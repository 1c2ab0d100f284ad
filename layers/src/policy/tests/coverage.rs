//! Of every exchange it can be said what was looked at, by whom, and what was not, and why.

use std::sync::Mutex;

use luthien_core::{
    decision::Coverage,
    testing::{ScriptedBody, Step, cut},
};

use super::*;

#[derive(Default)]
struct Covered(Mutex<Vec<String>>);

impl DecisionSink for Covered {
    fn decided(&self, _: &Exchange, _: &Decision) {}

    fn covered(&self, _: &Exchange, coverage: &Coverage) {
        for thing in coverage.things() {
            let looks = thing.looks.iter().map(|look| {
                let why = match look.outcome {
                    Outcome::Skipped(skip) => skip.name(),
                    Outcome::Failed(failure) => failure.name(),
                    outcome => outcome.name(),
                };
                format!("{}@{}={why}", look.policy, look.version)
            });
            let looks: Vec<_> = looks.collect();
            let tool = thing.tool.as_deref().unwrap_or_default();
            let line = format!("{}:{tool} {}", thing.phase.name(), looks.join(" "));
            self.0.lock().unwrap().push(line);
        }
    }
}

fn house(entries: Vec<Entry>) -> (PolicyLayer, Arc<Covered>) {
    let covered: Arc<Covered> = Arc::default();
    let set = PolicySet::new(entries).with_sink(covered.clone());
    (PolicyLayer::new(set), covered)
}

fn asked(dialect: Dialect, stream: bool) -> Request<Bytes> {
    let body = request(dialect, stream);
    Request::post(dialect.path()).body(body).unwrap()
}

#[tokio::test]
async fn what_was_looked_at_and_what_nobody_watched_is_told_alike_streamed_and_whole() {
    for dialect in Dialect::ALL {
        let mut told = Vec::new();
        for stream in [true, false] {
            let entries = vec![Entry::new("calls", blocking("nothing")).with_version("1")];
            let (layer, covered) = house(entries);
            let reply = recorded(dialect, stream);
            let script = if stream {
                Reply::events(&reply, 5)
            } else {
                Reply::json(&reply, 5)
            };
            let service = gate(layer).layer(Provider::new([script]));
            send(&service, asked(dialect, stream)).await;
            let mut lines = std::mem::take(&mut *covered.0.lock().unwrap());
            lines.sort();
            assert!(
                lines
                    .iter()
                    .any(|line| line.starts_with("tool_call:") && line.ends_with(" calls@1=allow")),
                "{lines:?}"
            );
            assert!(lines.contains(&"text: ".to_owned()), "{dialect}: {lines:?}");
            told.push(lines);
        }
        assert_eq!(told[0], told[1], "{dialect}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_was_asked_when_the_client_left_has_not_looked() {
    struct Hangs;
    impl Policy for Hangs {
        fn watches(&self) -> Watches {
            Watches::TOOL_CALLS
        }

        async fn on_tool_call(&self, _: &ToolCall, _: &Context) -> Result<Verdict, PolicyError> {
            std::future::pending().await
        }
    }
    let entry = Entry::new("hangs", Hangs).with_deadline(std::time::Duration::from_secs(3600));
    let (layer, covered) = house(vec![entry]);
    let reply = recorded(Dialect::Anthropic, true);
    let steps = cut(&reply, 1).into_iter().map(Step::Data);
    let script = Reply::new("text/event-stream", ScriptedBody::new(steps));
    let service = gate(layer).layer(Provider::new([script]));
    let leaves = std::time::Duration::from_secs(60);
    let left = tokio::time::timeout(leaves, send(&service, asked(Dialect::Anthropic, true))).await;
    assert!(left.is_err());
    let lines = covered.0.lock().unwrap();
    assert!(
        lines
            .iter()
            .any(|line| line.ends_with(" hangs@=client_gone")),
        "{lines:?}"
    );
}

#[tokio::test]
async fn a_gap_is_what_should_have_been_looked_at_and_was_not() {
    struct Gaps(Mutex<Vec<Outcome>>);
    impl DecisionSink for Gaps {
        fn decided(&self, _: &Exchange, _: &Decision) {}

        fn covered(&self, _: &Exchange, coverage: &Coverage) {
            let gaps = coverage.gaps().map(|(_, look)| look.outcome);
            self.0.lock().unwrap().extend(gaps);
        }
    }
    let gaps = Arc::new(Gaps(Mutex::default()));
    let fails = OnCalls(|_: &ToolCall, _: &Context| Err(PolicyError::new("no idea")));
    let entries = vec![
        Entry::new("looks", blocking("nothing")),
        Entry::new("fails", fails).with_fail(Fail::Open),
    ];
    let set = PolicySet::new(entries).with_sink(gaps.clone());
    let reply = Reply::json(&recorded(Dialect::Anthropic, false), 0);
    let service = gate(PolicyLayer::new(set)).layer(Provider::new([reply]));
    send(&service, asked(Dialect::Anthropic, false)).await;
    let gaps = gaps.0.lock().unwrap();
    assert!(!gaps.is_empty());
    assert!(
        gaps.iter()
            .all(|gap| *gap == Outcome::Failed(Failure::Error))
    );
}
