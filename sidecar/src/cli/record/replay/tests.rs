use bytes::Bytes;

use super::compare::{Decision, Differs, Kind, Outcome, Verdict, compare};
use crate::trial::Seen;

fn decision(policy: &str, outcome: &str) -> Decision {
    Decision {
        id: format!("d-{policy}"),
        policy: policy.to_owned(),
        mode: "enforce".to_owned(),
        phase: "text".to_owned(),
        block: Some(0),
        tool: None,
        outcome: outcome.to_owned(),
        cause: None,
        applied: !matches!(outcome, "allow" | "skipped"),
        code: String::new(),
        reason: String::new(),
        after: None,
    }
}

/// What becomes of an exchange about which this is decided, and whose client reads this.
fn outcome(decisions: Vec<Decision>, text: &str) -> Outcome {
    let seen = Seen {
        text: text.to_owned(),
        ..Seen::default()
    };
    Outcome {
        verdict: Verdict::of(&decisions, false),
        decisions,
        sent: Some(Bytes::from_static(b"{}")),
        seen: Some(seen),
    }
}

fn differs(before: &Outcome, after: &Outcome) -> Option<(Kind, Vec<String>)> {
    let Differs { kind, policies, .. } = compare(before, after, true)?;
    Some((kind, policies.into_iter().collect()))
}

#[test]
fn what_passed_and_is_refused_and_the_reverse() {
    let passed = outcome(vec![decision("a", "allow")], "x");
    let refused = outcome(vec![decision("a", "allow"), decision("b", "block")], "no");
    let by = |kind| Some((kind, vec!["b".to_owned()]));
    assert_eq!(differs(&passed, &refused), by(Kind::Blocked));
    assert_eq!(differs(&refused, &passed), by(Kind::Allowed));
    assert_eq!(differs(&passed, &passed), None);
}

#[test]
fn only_what_happens_counts() {
    let passed = outcome(vec![decision("a", "allow")], "x");
    let mut observed = decision("b", "block");
    (observed.applied, observed.mode) = (false, "observe".to_owned());
    assert_eq!(differs(&passed, &outcome(vec![observed], "x")), None);
    let mut warned = decision("b", "block");
    warned.mode = "warn".to_owned();
    let warned = outcome(vec![warned], "careful: x");
    let edited = Some((Kind::Edited, vec!["b".to_owned()]));
    assert_eq!(differs(&passed, &warned), edited);
}

#[test]
fn another_edit_is_named_by_who_makes_it() {
    let edit = |text: &str| {
        let mut edit = decision("b", "modify");
        edit.after = Some(text.to_owned());
        outcome(vec![decision("a", "modify"), edit], text)
    };
    let edited = Some((Kind::Edited, vec!["b".to_owned()]));
    assert_eq!(differs(&edit("x"), &edit("y")), edited);
    assert_eq!(differs(&edit("x"), &edit("x")), None);
}

#[test]
fn names_of_decisions_make_no_difference() {
    let named = |id: &str| {
        let mut block = decision("a", "block");
        block.id = id.to_owned();
        outcome(vec![block], &format!("refused, see {id}"))
    };
    assert_eq!(differs(&named("d-01"), &named("d-02")), None);
}

#[test]
fn a_policy_that_fails_is_told_even_if_nothing_comes_of_it() {
    let mut failed = decision("b", "failed");
    failed.applied = false;
    let failed = outcome(vec![failed], "x");
    let passed = outcome(vec![decision("b", "allow")], "x");
    let told = Some((Kind::Failed, vec!["b".to_owned()]));
    assert_eq!(differs(&passed, &failed), told);
    assert_eq!(differs(&failed, &failed), None);
}

#[test]
fn replies_that_broke_off_are_not_compared_by_what_was_read() {
    let (half, whole) = (outcome(vec![], "Hel"), outcome(vec![], "Hello"));
    assert_eq!(compare(&half, &whole, false), None);
    assert!(compare(&half, &whole, true).is_some());
}
