//! Requests and exchanges at once: what an account allows, and whose it is.

use super::*;

#[test]
fn requests_come_back_one_by_one_and_each_key_has_its_own() {
    let (ledger, clock) = ledger(vec![Rule::requests(Per::Key, limit(3), MINUTE)]);
    for remaining in [2, 1, 0] {
        let grant = reserve(&ledger, &[claim(0, "a", 1)]).unwrap();
        let reset = Duration::from_secs(20) * (3 - remaining);
        assert_eq!(grant.standings, [Standing { remaining, reset }]);
        ledger.settle(grant, used(9, 9));
    }
    let denied = reserve(&ledger, &[claim(0, "a", 1)]).unwrap_err();
    assert_eq!(
        denied,
        Denied {
            rule: 0,
            retry_after: Some(Duration::from_secs(20))
        }
    );
    assert!(reserve(&ledger, &[claim(0, "b", 1)]).is_ok());
    clock.advance(Duration::from_secs(19));
    assert_eq!(
        reserve(&ledger, &[claim(0, "a", 1)])
            .unwrap_err()
            .retry_after,
        Some(Duration::from_secs(1))
    );
    clock.advance(Duration::from_secs(1));
    assert!(reserve(&ledger, &[claim(0, "a", 1)]).is_ok());
    assert!(reserve(&ledger, &[claim(0, "a", 1)]).is_err());
}

#[test]
fn a_request_that_one_rule_refuses_costs_nothing_under_the_others() {
    let rules = vec![
        Rule::requests(Per::Key, limit(2), MINUTE),
        Rule::concurrent(Per::Key, limit(5)),
        Rule::output_tokens(Per::Key, limit(100), MINUTE),
        Rule::requests(Per::Everyone, limit(1), MINUTE),
    ];
    let (ledger, clock) = ledger(rules);
    let claims = [
        claim(0, "a", 1),
        claim(1, "a", 1),
        claim(2, "a", 60),
        claim(3, "", 1),
    ];
    let open = reserve(&ledger, &claims).unwrap();
    for _ in 0..10 {
        assert_eq!(
            reserve(
                &ledger,
                &claims[..2]
                    .iter()
                    .chain(&claims[3..])
                    .copied()
                    .collect::<Vec<_>>()
            )
            .unwrap_err()
            .rule,
            3
        );
    }
    let left = reserve(&ledger, &claims[..2]).unwrap();
    assert_eq!(
        left.standings
            .iter()
            .map(|standing| standing.remaining)
            .collect::<Vec<_>>(),
        [0, 3]
    );
    ledger.settle(open, used(0, 0));
    clock.advance(MINUTE);
    assert!(reserve(&ledger, &claims).is_ok());
}

#[test]
fn exchanges_at_once_are_counted_until_they_are_settled() {
    let (ledger, _) = ledger(vec![Rule::concurrent(Per::Key, limit(2))]);
    let first = reserve(&ledger, &[claim(0, "a", 1)]).unwrap();
    let _second = reserve(&ledger, &[claim(0, "a", 1)]).unwrap();
    assert_eq!(
        reserve(&ledger, &[claim(0, "a", 1)]).unwrap_err(),
        Denied {
            rule: 0,
            retry_after: None
        }
    );
    assert!(reserve(&ledger, &[claim(0, "b", 1)]).is_ok());
    ledger.settle(first, Used::default());
    assert!(reserve(&ledger, &[claim(0, "a", 1)]).is_ok());
}
