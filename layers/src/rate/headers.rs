//! `RateLimit-Policy` and `RateLimit`, as in draft-ietf-httpapi-ratelimit-headers-11.

use std::{fmt::Write, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue};

use super::{
    Rule,
    ledger::{Grant, Standing},
    rule::Measure,
};

pub(super) const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
pub(super) const STANDING: HeaderName = HeaderName::from_static("ratelimit");

/// The rules that count in time, as a header; there is none for how many at once.
pub(super) fn policy(rules: &[Rule]) -> Option<HeaderValue> {
    let mut policy = String::new();
    for rule in rules
        .iter()
        .filter(|rule| rule.measure() != Measure::Concurrent)
    {
        let comma = if policy.is_empty() { "" } else { ", " };
        let window = seconds(rule.every());
        write!(
            policy,
            "{comma}\"{}\";q={};w={window}",
            rule.name(),
            rule.limit()
        )
        .ok()?;
    }
    (!policy.is_empty())
        .then(|| HeaderValue::try_from(policy).ok())
        .flatten()
}

/// Puts both headers on a response.
pub(super) fn insert(headers: &mut HeaderMap, policy: &HeaderValue, rules: &[Rule], grant: &Grant) {
    let mut standings = String::with_capacity(48 * grant.claims.len());
    for (claim, Standing { remaining, reset }) in grant.claims.iter().zip(&grant.standings) {
        let Some(rule) = rules
            .get(claim.rule)
            .filter(|rule| rule.measure() != Measure::Concurrent)
        else {
            continue;
        };
        let comma = if standings.is_empty() { "" } else { ", " };
        // Writing into a string does not fail.
        write!(
            standings,
            "{comma}\"{}\";r={remaining};t={}",
            rule.name(),
            seconds(*reset)
        )
        .ok();
    }
    if let Ok(standings) = HeaderValue::try_from(standings) {
        headers.append(POLICY, policy.clone());
        headers.append(STANDING, standings);
    }
}

/// The standing of a rule that refuses for this time.
pub(super) fn exhausted(rule: &Rule, wait: Duration) -> Option<HeaderValue> {
    let name = (rule.measure() != Measure::Concurrent).then(|| rule.name())?;
    HeaderValue::try_from(format!("\"{name}\";r=0;t={}", seconds(wait))).ok()
}

/// Whole seconds, rounded up.
pub(super) fn seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}
