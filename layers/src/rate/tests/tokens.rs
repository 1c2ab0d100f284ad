//! Tokens: reserved, used, given back and owed.

use super::*;

#[test]
fn tokens_used_beyond_the_account_are_a_debt() {
    let (ledger, clock) = ledger(vec![Rule::output_tokens(Per::Key, limit(600), MINUTE)]);
    let grant = reserve(&ledger, &[claim(0, "a", 100)]).unwrap();
    assert_eq!(grant.standings[0].remaining, 500);
    // Ten tokens a second come back: 900 used of 600 is 30 seconds of debt, and 10 more until 100 are there.
    ledger.settle(grant, used(0, 900));
    assert_eq!(
        reserve(&ledger, &[claim(0, "a", 100)])
            .unwrap_err()
            .retry_after,
        Some(Duration::from_secs(40))
    );
    clock.advance(Duration::from_secs(39));
    assert!(reserve(&ledger, &[claim(0, "a", 100)]).is_err());
    clock.advance(Duration::from_secs(1));
    assert!(reserve(&ledger, &[claim(0, "a", 100)]).is_ok());
}

#[test]
fn a_debt_made_long_after_the_reservation_counts_from_when_it_was_made() {
    let (ledger, clock) = ledger(vec![Rule::output_tokens(Per::Key, limit(600), MINUTE)]);
    let grant = reserve(&ledger, &[claim(0, "a", 100)]).unwrap();
    clock.advance(10 * MINUTE);
    ledger.settle(grant, used(0, 1300));
    let wait = reserve(&ledger, &[claim(0, "a", 1)])
        .unwrap_err()
        .retry_after
        .unwrap();
    assert!(wait > Duration::from_secs(59), "{wait:?}");
}

#[test]
fn what_was_reserved_and_not_used_is_given_back() {
    let (ledger, _) = ledger(vec![Rule::input_tokens(Per::Key, limit(600), MINUTE)]);
    for _ in 0..10 {
        let grant = reserve(&ledger, &[claim(0, "a", 500)]).unwrap();
        ledger.settle(grant, used(10, 0));
    }
    assert!(
        reserve(&ledger, &[claim(0, "a", 501)]).is_err(),
        "10 times 10 are used"
    );
    assert!(reserve(&ledger, &[claim(0, "a", 500)]).is_ok());
}

#[test]
fn an_estimate_beyond_the_limit_waits_for_all_of_it_but_not_for_ever() {
    let (ledger, clock) = ledger(vec![Rule::input_tokens(Per::Key, limit(60), MINUTE)]);
    let grant = reserve(&ledger, &[claim(0, "a", 50_000)]).unwrap();
    ledger.settle(grant, used(60, 0));
    assert!(reserve(&ledger, &[claim(0, "a", 50_000)]).is_err());
    clock.advance(MINUTE);
    assert!(reserve(&ledger, &[claim(0, "a", 50_000)]).is_ok());
}

#[test]
fn a_provider_that_reports_absurd_numbers_locks_nobody_out_for_years() {
    let (ledger, clock) = ledger(vec![Rule::output_tokens(Per::Key, limit(60), MINUTE)]);
    let grant = reserve(&ledger, &[claim(0, "a", 1)]).unwrap();
    ledger.settle(grant, used(0, u64::MAX));
    assert!(reserve(&ledger, &[claim(0, "a", 1)]).is_err());
    clock.advance(11 * MINUTE);
    assert!(reserve(&ledger, &[claim(0, "a", 1)]).is_ok());
}
