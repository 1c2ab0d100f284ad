//! The scripts that run inside Redis, and how they are called.

use std::{sync::LazyLock, time::Duration};

use redis::{Script, ScriptInvocation};

use super::{
    super::{
        Rule,
        ledger::{Claim, Denied, Grant, Standing, Used},
        rule::Measure,
    },
    RedisSettings,
};

static RESERVE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("reserve.lua")));
static SETTLE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("settle.lua")));
static RENEW: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("renew.lua")));

fn key(prefix: &str, rule: &Rule, claim: &Claim) -> String {
    format!("{prefix}{}:{:?}", rule.name(), claim.subject)
}

fn kind(rule: &Rule) -> &'static str {
    match rule.measure() {
        Measure::Concurrent => "concurrent",
        _ => "rate",
    }
}

/// In microseconds; a rule may give back more than one unit in one of them.
fn period(rule: &Rule) -> f64 {
    rule.every().as_secs_f64() * 1e6 / f64::from(rule.limit().get())
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

pub(super) fn reservation(
    rules: &[Rule],
    settings: &RedisSettings,
    claims: &[Claim],
    exchange: u64,
) -> ScriptInvocation<'static> {
    let mut call = RESERVE.prepare_invoke();
    call.arg(exchange).arg(micros(settings.lease));
    for (claim, rule) in with_rules(rules, claims) {
        call.key(key(&settings.prefix, rule, claim));
        call.arg(kind(rule))
            .arg(claim.amount)
            .arg(period(rule))
            .arg(rule.limit().get());
    }
    call
}

/// What [`reservation`] answers; `None` if it makes no sense.
pub(super) fn read(answer: &[i64]) -> Option<Result<Vec<Standing>, Denied>> {
    match answer {
        [0, standings @ ..] => standings
            .chunks(2)
            .map(|pair| match pair {
                [remaining, reset] => Some(Standing {
                    remaining: u32::try_from(*remaining).unwrap_or(0),
                    reset: Duration::from_micros(u64::try_from(*reset).ok()?),
                }),
                _ => None,
            })
            .collect::<Option<_>>()
            .map(Ok),
        [refused, wait] => {
            let rule = usize::try_from(*refused).ok()?.checked_sub(1)?;
            Some(Err(Denied {
                rule,
                retry_after: u64::try_from(*wait).ok().map(Duration::from_micros),
            }))
        }
        _ => None,
    }
}

/// A settlement that waits to be made.
#[derive(Debug)]
pub(super) struct Settlement {
    exchange: u64,
    mark: String,
    accounts: Vec<(String, &'static str, i64, f64)>,
}

pub(super) fn settlement(rules: &[Rule], prefix: &str, grant: &Grant, used: Used) -> Settlement {
    let accounts = with_rules(rules, &grant.claims).map(|(claim, rule)| {
        let used = match rule.measure() {
            Measure::InputTokens => used.input,
            Measure::OutputTokens => used.output,
            Measure::Requests | Measure::Concurrent => None,
        };
        // As in process: no more was reserved than there can be, and no more is owed than ten times that.
        let limit = i64::from(rule.limit().get());
        let reserved = i64::from(claim.amount).min(limit);
        let beyond = used.map_or(0, |used| {
            i64::try_from(used)
                .unwrap_or(i64::MAX)
                .saturating_sub(reserved)
        });
        (
            key(prefix, rule, claim),
            kind(rule),
            beyond.min(limit * 10),
            period(rule),
        )
    });
    let mark = format!("{prefix}settled:{:x}", grant.book);
    Settlement {
        exchange: grant.book,
        mark,
        accounts: accounts.collect(),
    }
}

impl Settlement {
    pub(super) fn call(&self) -> ScriptInvocation<'static> {
        let mut call = SETTLE.prepare_invoke();
        call.key(&self.mark).arg(self.exchange);
        for (key, kind, units, period) in &self.accounts {
            call.key(key).arg(*kind).arg(*units).arg(*period);
        }
        call
    }
}

/// The accounts in which an exchange keeps a place.
pub(super) fn places(rules: &[Rule], prefix: &str, claims: &[Claim]) -> Vec<String> {
    with_rules(rules, claims)
        .filter(|(_, rule)| rule.measure() == Measure::Concurrent)
        .map(|(claim, rule)| key(prefix, rule, claim))
        .collect()
}

pub(super) fn renewal(places: &[(u64, String)], lease: Duration) -> ScriptInvocation<'static> {
    let mut call = RENEW.prepare_invoke();
    call.arg(micros(lease));
    for (exchange, key) in places {
        call.key(key).arg(*exchange);
    }
    call
}

fn with_rules<'a>(
    rules: &'a [Rule],
    claims: &'a [Claim],
) -> impl Iterator<Item = (&'a Claim, &'a Rule)> {
    claims
        .iter()
        .filter_map(|claim| Some((claim, rules.get(claim.rule)?)))
}
