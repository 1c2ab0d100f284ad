//! The catalogue: all carriers of all dialects.

mod anthropic;
mod chat;
mod documents;
mod responses;
mod transport;

use std::collections::BTreeMap;

use luthien_core::Dialect;

use crate::attempt::{Attempt, Carriers, Mark};

/// All there is to try against a dialect: each carrier with a call in it that is known by its name, by its arguments, or one
/// with either.
pub fn catalogue(dialect: Dialect) -> Vec<Vec<Attempt>> {
    let all = Mark::BOTH.map(|mark| {
        let mut carriers = Carriers::new(dialect, mark);
        match dialect {
            Dialect::Anthropic => anthropic::add(&mut carriers),
            Dialect::Chat => chat::add(&mut carriers),
            _ => responses::add(&mut carriers),
        }
        transport::add(&mut carriers);
        carriers.attempts
    });
    let mut groups: Vec<Vec<Attempt>> = Vec::new();
    let mut places = BTreeMap::new();
    for attempt in all.into_iter().flatten() {
        let place = *places.entry(attempt.carrier.clone()).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[place].push(attempt);
    }
    groups
}
