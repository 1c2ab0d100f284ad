//! The evasion suite: a call that must not pass, in every carrier that anybody has thought of, decided by oracles that share
//! nothing with what they judge. `docs/testing.md` says how, and how often.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "a test that panics has failed, as it should; one that has not says how much it has tried"
)]
#![allow(
    unreachable_pub,
    reason = "what the modules of a program share is `pub` in all of it"
)]

mod attempt;
mod carriers;
mod house;
mod oracles;
mod parity;
mod sdk;

use luthien_core::Dialect;

use attempt::{Attempt, Exchange, Expect};
use carriers::catalogue;
use house::{Got, House, normal};
use oracles::{complaints, is_seen};

/// Each carrier is cut anywhere in so many ways, and besides not at all and everywhere.
const CUTS: u64 = 100;

macro_rules! for_each_dialect {
    ($($(#[$attribute:meta])* $name:ident($dialect:ident);)*) => {
        $(#[tokio::test(start_paused = true)]
        async fn $name() {
            nothing_gets_through(Dialect::$dialect).await;
        })*
    };
}

for_each_dialect! {
    nothing_of_a_blocked_call_reaches_an_anthropic_client(Anthropic);
    nothing_of_a_blocked_call_reaches_a_chat_client(Chat);
    nothing_of_a_blocked_call_reaches_a_responses_client(Responses);
}

async fn nothing_gets_through(dialect: Dialect) {
    let house = House::new();
    let mut found = Vec::new();
    let (mut carriers, mut tries) = (0, 0);
    for group in catalogue(dialect) {
        carriers += 1;
        let mut seen: Vec<Vec<Vec<Got>>> = vec![Vec::new(); group.len()];
        for (which, seed) in plays(group.len()) {
            tries += 1;
            let attempt = &group[which];
            let complaints = play(&house, attempt, seed, &mut seen[which]).await;
            if !complaints.is_empty() {
                found.push(format!(
                    "{}, seed {seed}:\n{}",
                    attempt.name(),
                    complaints.join("\n")
                ));
                break;
            }
        }
    }
    println!(
        "{dialect}: {} of {carriers} carriers got something through, or broke something, in {tries} attempts",
        found.len()
    );
    assert!(
        found.is_empty(),
        "{}\n== {}",
        found.len(),
        found.join("\n== ")
    );
}

/// Which attempt of a group is played with which seed: the random ones are shared between them.
fn plays(attempts: usize) -> impl Iterator<Item = (usize, u64)> {
    let fixed = (0..attempts).flat_map(|which| [(which, 0), (which, 1)]);
    let random = (0..attempts).cycle().zip(2..CUTS + 2);
    fixed.chain(random)
}

/// What is wrong with an attempt. What is to be well-formed must look the same however it is cut; how much goes out before
/// an error depends on how long a judge takes.
async fn play(
    house: &House,
    attempt: &Attempt,
    seed: u64,
    known: &mut Vec<Vec<Got>>,
) -> Vec<String> {
    let all: Vec<_> = house.play(attempt, seed).await.iter().map(normal).collect();
    let mut found = Vec::new();
    if known.contains(&all) {
        return found;
    }
    for (place, (exchange, got)) in attempt.exchanges.iter().zip(&all).enumerate() {
        let is_settled = matches!(exchange.expect, Expect::Explained(_) | Expect::Over);
        let other = known
            .first()
            .map(|first| &first[place])
            .filter(|first| is_settled && *first != got);
        if let Some(first) = other {
            found.push(format!("it depends on how it is cut: otherwise\n{first}"));
        }
        found.extend(complaints(attempt.dialect, exchange, got));
        if !found.is_empty() {
            found.push(format!(
                "IN\n{}\nOUT {got}",
                String::from_utf8_lossy(&exchange.body)
            ));
        }
    }
    known.push(all);
    found
}

#[test]
fn every_carrier_carries_a_call_that_somebody_would_see() {
    for dialect in Dialect::ALL {
        for attempt in catalogue(dialect).iter().flatten() {
            for exchange in &attempt.exchanges {
                assert!(is_seen(dialect, exchange), "{}", attempt.name());
            }
        }
    }
}

#[test]
fn the_documentation_says_how_often_it_was_tried() {
    let (mut attempts, mut shown) = (0, 0);
    for dialect in Dialect::ALL {
        for group in catalogue(dialect) {
            attempts += plays(group.len()).count();
            let exchanges = group.iter().flat_map(|attempt| &attempt.exchanges);
            shown += exchanges
                .map(|exchange: &Exchange| sdk::ways(dialect, exchange.asked))
                .sum::<usize>();
        }
    }
    let said = format!(
        "0 leaks in {} attempts; 0 in {} replies shown to official SDKs",
        thousands(attempts),
        thousands(shown)
    );
    let documentation = include_str!("../../docs/testing.md").replace('\n', " ");
    assert!(
        documentation.contains(&said),
        "docs/testing.md does not say: {said}"
    );
}

fn thousands(number: usize) -> String {
    format!("{},{:03}", number / 1000, number % 1000)
}
