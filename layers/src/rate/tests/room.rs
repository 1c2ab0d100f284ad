//! How many accounts there may be.

use super::*;

/// One of each of two rules, for a subject.
fn both(subject: u128) -> [Claim; 2] {
    [0, 1].map(|rule| Claim {
        rule,
        subject: Subject(subject),
        amount: 1,
    })
}

#[test]
fn a_million_idle_keys_are_forgotten() {
    let rules = vec![
        Rule::requests(Per::Session, limit(1), Duration::from_millis(10)),
        Rule::concurrent(Per::Session, limit(1)),
    ];
    let (ledger, clock) = ledger(rules);
    let mut most = 0;
    for n in 0..1_000_000 {
        let claims = both(n * 0x9E37_79B9_7F4A_7C15);
        let grant = reserve(&ledger, &claims).unwrap();
        ledger.settle(grant, Used::default());
        clock.advance(Duration::from_micros(10));
        most = most.max(if n % 1000 == 0 { ledger.accounts() } else { 0 });
    }
    assert!(most < 10_000, "{most}");
}

#[test]
fn where_there_is_no_room_for_another_account_all_newcomers_share_one() {
    let clock = FakeRelativeClock::default();
    let rules = vec![
        Rule::requests(Per::Session, limit(10), MINUTE),
        Rule::concurrent(Per::Session, limit(10)),
    ];
    let ledger = LocalLedger::with_clock(rules, clock.clone()).with_most_accounts(1600);
    let mut grants = Vec::new();
    let mut refused = 0;
    for n in 0..20_000 {
        let claims = both(n * 0x9E37_79B9_7F4A_7C15 + 1);
        match reserve(&ledger, &claims) {
            Ok(grant) => grants.push(grant),
            Err(_) => refused += 1,
        }
    }
    assert!(ledger.accounts() <= 2 * 1600 + 2, "{}", ledger.accounts());
    assert!(refused > 18_000, "{refused}");
    for grant in grants {
        ledger.settle(grant, Used::default());
    }
    clock.advance(2 * MINUTE);
    let claims = both(7);
    assert!(
        reserve(&ledger, &claims).is_ok(),
        "what was open has been closed where it was opened"
    );
}
