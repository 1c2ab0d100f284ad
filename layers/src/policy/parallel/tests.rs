use std::{sync::Arc, time::Duration};

use luthien_core::decision::{Failure, Mode, Outcome, Phase, Skip, Vote};
use serde_json::json;

use super::*;
use crate::policy::{Denial, Fail, run::Run, testing::Case};

/// What a reviewer does with everything.
#[derive(Clone, Copy)]
enum Says {
    Allow,
    Warn,
    WarnGravely,
    Block,
    Ask,
    Drop,
    Replace,
    Fails,
    Panics,
    Hangs,
}

struct Reviewer(Says);

impl Reviewer {
    async fn answer(&self) -> Result<Verdict, PolicyError> {
        Ok(match self.0 {
            Says::Allow => Verdict::Allow,
            Says::Warn => Verdict::Warn {
                denial: Denial::new("hm", "it is odd"),
                content: None,
            },
            Says::WarnGravely => Verdict::Warn {
                denial: Denial::new("oh", "it is late")
                    .with_remedy("sleep")
                    .with_severity(Severity::Critical),
                content: None,
            },
            Says::Block => {
                Verdict::Block(Denial::new("no", "it was blocked").with_detail("secret"))
            }
            Says::Ask => Verdict::Ask(Denial::new("ask", "somebody should look")),
            Says::Drop => Verdict::Drop("(gone)".into()),
            Says::Replace => Verdict::Replace(r#"{"a":2}"#.into()),
            Says::Fails => return Err(PolicyError::new("no idea")),
            Says::Panics => panic!("at the disco"),
            Says::Hangs => std::future::pending().await,
        })
    }
}

impl Policy for Reviewer {
    fn watches(&self) -> Watches {
        let judged = Watches::REQUEST | Watches::TOOL_CALLS;
        match self.0 {
            Says::Replace => judged | Watches::CHANGES,
            _ => judged,
        }
    }

    async fn on_request(
        &self,
        _request: &LlmRequest,
        _cx: &Context,
    ) -> Result<RequestVerdict, PolicyError> {
        Ok(RequestVerdict::Allow)
    }

    async fn on_tool_call(&self, _call: &ToolCall, _cx: &Context) -> Result<Verdict, PolicyError> {
        self.answer().await
    }
}

fn reviewer(name: &str, says: Says) -> Entry {
    Entry::new(name.to_owned(), Reviewer(says)).with_deadline(Duration::from_millis(5))
}

fn open(name: &str, says: Says) -> Entry {
    reviewer(name, says).with_fail(Fail::Open)
}

fn reviewers(says: &[Says]) -> Vec<Entry> {
    let names = ["a", "b", "c", "d"];
    let named = names.into_iter().zip(says);
    named.map(|(name, says)| reviewer(name, *says)).collect()
}

async fn judge(decide: Decide, members: Vec<Entry>) -> (Result<Verdict, PolicyError>, Vec<Vote>) {
    let parallel = Parallel::new(decide, members).unwrap();
    let cx = context();
    let answer = parallel.on_tool_call(&ToolCall::new("f", "{}"), &cx).await;
    let mut decision = Run::decision(&open("any", Says::Allow), Phase::ToolCall);
    cx.take_notes().tell(&mut decision);
    (answer, decision.votes)
}

fn context() -> Context {
    let shared = crate::policy::context::Shared {
        ledger: Arc::new(crate::policy::ledger::Ledger::new(
            luthien_core::decision::Exchange {
                id: None,
                dialect: luthien_core::Dialect::Chat,
                path: "/".into(),
                model: Some("m".into()),
                caller: None,
                user: None,
                session: None,
                purpose: None,
            },
            Arc::new(()),
        )),
        request: None,
        session: Arc::default(),
        asking: None,
        #[cfg(feature = "guards")]
        place: Arc::default(),
    };
    Context::new(Arc::new(shared), "review".into())
}

/// The word for what came of it.
async fn outcome(decide: Decide, members: Vec<Entry>) -> &'static str {
    match judge(decide, members).await.0 {
        Ok(Verdict::Block(denial)) if denial.code == "policy_failed" => "failed closed",
        Ok(Verdict::Replace(_)) => "replace",
        Ok(Verdict::Warn { content: None, .. }) => "warn",
        Ok(Verdict::Warn { .. }) => "warn and replace",
        Ok(Verdict::Drop(_)) => "drop",
        Ok(verdict) => verdict.outcome().name(),
        Err(_) => "failed",
    }
}

#[tokio::test]
async fn each_rule_makes_one_verdict_of_many() {
    use Decide::{AnyBlock, Majority, MostRestrictive, Unanimous};
    use Says::{Allow, Ask, Block, Drop, Fails, Hangs, Panics, Replace, Warn};
    for (decide, says, expected) in [
        (AnyBlock, vec![Allow, Allow, Allow], "allow"),
        (AnyBlock, vec![Allow, Block, Allow], "block"),
        (AnyBlock, vec![Allow, Ask, Drop], "ask"),
        (AnyBlock, vec![Allow, Drop], "drop"),
        (AnyBlock, vec![Allow, Fails], "failed closed"),
        (AnyBlock, vec![Allow, Block, Panics], "block"),
        (AnyBlock, vec![Allow, Ask, Panics], "failed closed"),
        (AnyBlock, vec![Allow, Hangs], "failed closed"),
        (Majority, vec![Allow, Block, Allow], "allow"),
        (Majority, vec![Block, Allow, Block], "block"),
        (Majority, vec![Allow, Block], "block"),
        (Majority, vec![Allow, Allow, Fails], "allow"),
        (Majority, vec![Allow, Fails, Fails], "failed closed"),
        (Majority, vec![Allow, Block, Hangs], "block"),
        (Majority, vec![Allow, Fails], "failed closed"),
        (Unanimous, vec![Block, Block, Allow], "allow"),
        (Unanimous, vec![Block, Ask, Drop], "block"),
        (Unanimous, vec![Fails, Fails], "failed closed"),
        (Unanimous, vec![Fails, Allow], "allow"),
        (AnyBlock, vec![Allow, Warn], "warn"),
        (AnyBlock, vec![Warn, Block], "block"),
        (Majority, vec![Allow, Warn, Block], "warn"),
        (Majority, vec![Warn, Allow, Fails], "warn"),
        (Majority, vec![Warn, Block], "block"),
        (Unanimous, vec![Block, Warn], "warn"),
        (MostRestrictive, vec![Allow, Warn], "warn"),
        (MostRestrictive, vec![Warn, Replace], "warn and replace"),
        (MostRestrictive, vec![Warn, Drop], "drop"),
        (MostRestrictive, vec![Allow, Replace, Allow], "replace"),
        (MostRestrictive, vec![Replace, Drop], "drop"),
        (MostRestrictive, vec![Drop, Ask], "ask"),
        (MostRestrictive, vec![Ask, Block], "block"),
        (MostRestrictive, vec![Allow, Fails], "failed closed"),
        (MostRestrictive, vec![Drop, Fails], "failed closed"),
        (MostRestrictive, vec![Block, Fails], "block"),
    ] {
        let names: Vec<_> = says.iter().map(|says| *says as u8).collect();
        let case = format!("{decide:?} {names:?}");
        assert_eq!(outcome(decide, reviewers(&says)).await, expected, "{case}");
    }
}

#[tokio::test]
async fn the_designated_one_counts_and_the_others_are_recorded() {
    let designated = || Decide::Designated("b".into());
    for (says, expected) in [
        ([Says::Block, Says::Allow], "allow"),
        ([Says::Allow, Says::Block], "block"),
        ([Says::Block, Says::Replace], "replace"),
        ([Says::Warn, Says::Allow], "allow"),
        ([Says::Allow, Says::Warn], "warn"),
        ([Says::Fails, Says::Allow], "allow"),
        ([Says::Allow, Says::Fails], "failed closed"),
    ] {
        assert_eq!(outcome(designated(), reviewers(&says)).await, expected);
    }
    let (_, votes) = judge(designated(), reviewers(&[Says::Block, Says::Allow])).await;
    assert_eq!(votes.len(), 2);
    let failing = vec![reviewer("a", Says::Allow), open("b", Says::Fails)];
    assert_eq!(
        outcome(designated(), failing).await,
        "failed",
        "nobody looked"
    );
}

#[tokio::test]
async fn who_fails_openly_has_not_voted() {
    let allow = || reviewer("a", Says::Allow);
    let block = || reviewer("b", Says::Block);
    let fails = || open("c", Says::Fails);
    assert_eq!(
        outcome(Decide::AnyBlock, vec![allow(), fails()]).await,
        "allow"
    );
    assert_eq!(
        outcome(Decide::Majority, vec![allow(), fails()]).await,
        "allow"
    );
    assert_eq!(
        outcome(Decide::Unanimous, vec![block(), fails()]).await,
        "block"
    );
    for decide in [
        Decide::AnyBlock,
        Decide::Majority,
        Decide::Unanimous,
        Decide::MostRestrictive,
    ] {
        assert_eq!(
            outcome(decide, vec![fails()]).await,
            "failed",
            "nobody looked"
        );
    }
}

#[tokio::test]
async fn who_panics_over_and_over_is_closed_though_open() {
    let member = open("a", Says::Panics);
    for _ in 0..3 {
        assert_eq!(
            outcome(Decide::AnyBlock, vec![member.clone()]).await,
            "failed"
        );
    }
    assert_eq!(
        outcome(Decide::AnyBlock, vec![member]).await,
        "failed closed"
    );
}

#[tokio::test]
async fn every_vote_is_recorded_with_its_reason() {
    let members = vec![
        reviewer("a", Says::Allow),
        reviewer("b", Says::Block),
        reviewer("c", Says::Panics),
        reviewer("d", Says::Hangs).with_mode(Mode::Observe),
        reviewer("e", Says::Block)
            .with_condition("model == 'other'".parse::<crate::policy::When>().unwrap()),
    ];
    let (answer, votes) = judge(Decide::AnyBlock, members).await;
    let said: Vec<_> = votes
        .iter()
        .map(|vote| (&*vote.policy, vote.outcome, &*vote.reason))
        .collect();
    let expected = [
        ("e", Outcome::Skipped(Skip::Condition), ""),
        ("a", Outcome::Allow, ""),
        ("b", Outcome::Block, "secret"),
        ("c", Outcome::Failed(Failure::Panic), "at the disco"),
        ("d", Outcome::Failed(Failure::Late), "no answer within 5ms"),
    ];
    assert!(expected.iter().all(|vote| said.contains(vote)), "{said:?}");
    assert_eq!(said.len(), expected.len());
    let Ok(Verdict::Block(denial)) = answer else {
        panic!("{answer:?}")
    };
    assert_eq!(
        denial.for_operator(),
        "a: allow; b: block (secret); c: panic (at the disco)"
    );
    assert_eq!(&*denial.reason, "it was blocked");
}

#[tokio::test]
async fn reviewers_of_reviewers_are_recorded_under_both_names() {
    let inner = Parallel::new(Decide::Majority, reviewers(&[Says::Allow, Says::Block])).unwrap();
    let members = vec![inner.into_entry("inner"), reviewer("z", Says::Allow)];
    let (answer, votes) = judge(Decide::Majority, members).await;
    assert!(matches!(answer, Ok(Verdict::Block(_))), "a tie, twice");
    let names: Vec<_> = votes.iter().map(|vote| &*vote.policy).collect();
    for name in ["inner", "inner/a", "inner/b", "z"] {
        assert!(names.contains(&name), "{names:?}");
    }
}

#[test]
fn what_cannot_be_a_reviewer_is_refused() {
    let error = |decide, members| match Parallel::new(decide, members) {
        Ok(parallel) => panic!("{parallel:?}"),
        Err(error) => error.to_string(),
    };
    let allow = || reviewer("a", Says::Allow);
    assert_eq!(
        error(Decide::Majority, vec![]),
        "of: it must name at least one policy"
    );
    let two = error(Decide::Majority, vec![allow(), allow()]);
    assert!(two.starts_with("of[1]: there are two \"a\""), "{two}");
    let designated = error(Decide::Designated("aa".into()), vec![allow()]);
    assert!(designated.contains("did you mean \"a\"?"), "{designated}");
    let changes = error(Decide::Majority, vec![reviewer("a", Says::Replace)]);
    assert!(changes.contains("most_restrictive"), "{changes}");
    let warns = error(Decide::Majority, vec![allow().with_mode(Mode::Warn)]);
    assert!(warns.contains("mode `warn`"), "{warns}");
    let caps = crate::policy::find("all-caps")
        .unwrap()
        .build(&json!({}))
        .unwrap();
    let edits = error(Decide::MostRestrictive, vec![caps]);
    assert!(edits.contains("cannot be a reviewer"), "{edits}");
}

#[test]
fn rules_are_written_as_words() {
    for (written, decide) in [
        (json!("any_block"), Decide::AnyBlock),
        (json!("most_restrictive"), Decide::MostRestrictive),
        (json!({"designated": "a"}), Decide::Designated("a".into())),
    ] {
        assert_eq!(serde_json::from_value::<Decide>(written).unwrap(), decide);
    }
}

#[tokio::test]
async fn a_client_sees_the_verdict_and_the_operator_the_votes() {
    let parallel = Parallel::new(Decide::Majority, reviewers(&[Says::Allow, Says::Block])).unwrap();
    let seen = Case::of([parallel.into_entry("review")])
        .reply_text("I try.")
        .reply_tool_call("f", json!({"a": 1}))
        .run()
        .await;
    assert_eq!(seen.tool_calls(), []);
    assert!(seen.text().contains("it was blocked"), "{}", seen.text());
    assert!(!seen.text().contains("secret"));
    let decision = seen.decisions().last().unwrap();
    assert_eq!(decision.votes.len(), 2);
    assert_eq!(&*decision.reason, "a: allow; b: block (secret)");
    let disagreement = "reviewers disagree: a: allow, b: block".to_owned();
    assert_eq!(seen.emitted(), [(Severity::Warning, disagreement)]);
}

#[tokio::test]
async fn all_warnings_stand_in_one_before_what_passes() {
    let says = [Says::Warn, Says::Block, Says::WarnGravely, Says::Warn];
    let parallel = Parallel::new(Decide::Majority, reviewers(&says)).unwrap();
    let seen = Case::of([parallel.into_entry("review")])
        .reply_text("I try.")
        .reply_tool_call("f", json!({"a": 1}))
        .run()
        .await;
    assert_eq!(seen.tool_calls(), [("f".to_owned(), json!({"a": 1}))]);
    let warning = "Luthien warns of the call of the tool `f` that follows: it is odd; it is late.";
    assert_eq!(seen.text().matches(warning).count(), 1, "{}", seen.text());
    assert!(seen.text().contains("What to do: sleep."));
    assert!(!seen.text().contains("secret"));
    let decision = seen.decisions().last().unwrap();
    assert_eq!(
        (&*decision.code, decision.outcome, decision.severity),
        ("hm", Outcome::Modify, Severity::Critical)
    );
    assert_eq!(
        &*decision.reason,
        "a: modify (it is odd); b: block (secret); c: modify (it is late); d: modify (it is odd)"
    );
}
