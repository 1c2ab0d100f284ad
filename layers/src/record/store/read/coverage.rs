//! What policies have looked at, and what not.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{
    super::{
        StoreError,
        engine::{Row, Value},
        sealed::Begin,
    },
    sessions::Conditions,
    transactions::payload,
};
use crate::record::{Covered, Event, Look, Thing, What};

/// Of how many exchanges is read at once.
const STEP: usize = 500;

/// Calls of which nobody has told who looked at them.
const UNTOLD: &str = "untold";
/// Things of a kind that no policy watches.
const UNWATCHED: &str = "unwatched";

/// Which exchanges.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExchangeFilter {
    /// Asked at this time or later, in microseconds since 1970.
    pub from: Option<i64>,
    /// Asked before this time.
    pub until: Option<i64>,
    /// Of this person.
    pub user: Option<String>,
    /// In which this model was asked for.
    pub model: Option<String>,
}

/// What there was to be judged in exchanges that have ended, and who has looked at it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CoverageReport {
    /// How many calls of models there were.
    pub exchanges: u64,
    /// In how many of them nobody has told what was looked at: no policy was there, or they were refused before, or recorded
    /// elsewhere.
    pub untold: u64,
    /// How many things were counted in their exchanges, and not told apart.
    pub more: u64,
    /// By what it is: `request`, `text`, `thinking`, `tool_call` or `end`.
    pub kinds: BTreeMap<String, KindCoverage>,
}

/// Things of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct KindCoverage {
    /// How many there were.
    pub things: u64,
    /// How many of them at least one policy has judged.
    pub judged: u64,
    /// How many none has, by the gravest reason: that a policy `failed: late`, or was `skipped: condition`; `unwatched`, if
    /// none watches this kind; `untold`, if nothing is known but that they were there.
    pub not_judged: BTreeMap<String, u64>,
    /// Calls by their tools.
    pub tools: BTreeMap<String, ToolCoverage>,
    /// Policies by their names.
    pub policies: BTreeMap<String, PolicyCoverage>,
}

/// Calls of one tool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ToolCoverage {
    /// How many there were.
    pub things: u64,
    /// How many of them at least one policy has judged.
    pub judged: u64,
}

/// What one policy made of things of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PolicyCoverage {
    /// Its versions: each change of it or of its settings makes another.
    pub versions: BTreeSet<String>,
    /// How many it should have looked at.
    pub things: u64,
    /// How many it has judged.
    pub judged: u64,
    /// How often it said `allow`, `modify`, `block` and `ask`.
    pub outcomes: BTreeMap<String, u64>,
    /// How often it did not say anything, by the reason.
    pub not_judged: BTreeMap<String, u64>,
}

pub(in super::super) async fn coverage(
    store: &(impl Begin + ?Sized),
    filter: &ExchangeFilter,
) -> Result<CoverageReport, StoreError> {
    let mut report = CoverageReport::default();
    let mut after = 0;
    loop {
        let (sql, values) = filter.query(after);
        // A transaction for each step: a long one would keep the database from cleaning up.
        let mut tx = store.read().await?;
        let rows = tx.rows(sql, values).await?;
        let untold = rows.iter().filter(|row| told(row).is_none());
        let ids: Vec<Value> = untold
            .filter_map(|row| row.text(1))
            .map(Value::from)
            .collect();
        let sql = "SELECT name FROM tool_calls WHERE transaction_id IN $IN";
        let calls = match ids.is_empty() {
            true => Vec::new(),
            false => tx.rows_in(sql, ids).await?,
        };
        tx.commit().await?;
        for row in &rows {
            report.add(told(row).as_ref());
            after = row.int(0).unwrap_or(after);
        }
        for call in &calls {
            report.untold(call.text(0).unwrap_or_default());
        }
        if rows.len() < STEP {
            return Ok(report);
        }
    }
}

impl ExchangeFilter {
    /// The next exchanges, with what was told of them.
    fn query(&self, after: i64) -> (String, Vec<Value>) {
        let mut conditions = Conditions::default();
        conditions.add("t.number > ?", after);
        if let Some(from) = self.from {
            conditions.add("t.started_at >= ?", from);
        }
        if let Some(until) = self.until {
            conditions.add("t.started_at < ?", until);
        }
        if let Some(user) = &self.user {
            conditions.add("t.user_id = ?", user.as_str());
        }
        if let Some(model) = &self.model {
            conditions.add("t.model = ?", model.as_str());
        }
        let sql = format!(
            "SELECT t.number, t.transaction_id, e.coding, e.payload FROM transactions t \
             LEFT JOIN conversation_events e ON e.transaction_id = t.transaction_id AND e.event = 'policies_covered' \
             AND NOT EXISTS (SELECT 1 FROM conversation_events l WHERE l.transaction_id = e.transaction_id \
             AND l.event = e.event AND l.sequence > e.sequence) \
             WHERE t.dialect IS NOT NULL AND t.ended_at IS NOT NULL AND {} ORDER BY t.number LIMIT {STEP}",
            conditions.sql(),
        );
        (sql, conditions.values)
    }
}

/// What was told of an exchange.
fn told(row: &Row) -> Option<Covered> {
    let text = payload(row, 2)?;
    let event: Event = serde_json::from_slice(&text).ok()?;
    match event.what {
        What::PoliciesCovered(covered) => Some(covered),
        _ => None,
    }
}

impl CoverageReport {
    fn add(&mut self, covered: Option<&Covered>) {
        self.exchanges += 1;
        let Some(covered) = covered else {
            self.untold += 1;
            return;
        };
        self.more = self.more.saturating_add(covered.more);
        for thing in &covered.things {
            self.kind(&thing.phase).add(thing);
        }
    }

    /// A call of which nothing is known but its tool.
    fn untold(&mut self, tool: &str) {
        let kind = self.kind("tool_call");
        kind.things += 1;
        count(&mut kind.not_judged, UNTOLD.to_owned());
        kind.tools.entry(tool.to_owned()).or_default().things += 1;
    }

    fn kind(&mut self, name: &str) -> &mut KindCoverage {
        self.kinds.entry(name.to_owned()).or_default()
    }
}

impl KindCoverage {
    fn add(&mut self, thing: &Thing) {
        let is_judged = thing.looks.iter().any(is_judged);
        self.things += 1;
        self.judged += u64::from(is_judged);
        if let Some(tool) = &thing.tool {
            let tool = self.tools.entry((**tool).to_owned()).or_default();
            tool.things += 1;
            tool.judged += u64::from(is_judged);
        }
        if !is_judged {
            let gravest = thing.looks.iter().min_by_key(|look| gravity(look));
            count(
                &mut self.not_judged,
                gravest.map_or_else(|| UNWATCHED.to_owned(), reason),
            );
        }
        for look in &thing.looks {
            let policy = self.policies.entry((*look.policy).to_owned()).or_default();
            policy.add(look);
        }
    }
}

impl PolicyCoverage {
    fn add(&mut self, look: &Look) {
        self.versions.insert((*look.version).to_owned());
        self.things += 1;
        if is_judged(look) {
            self.judged += 1;
            count(&mut self.outcomes, (*look.outcome).to_owned());
        } else {
            count(&mut self.not_judged, reason(look));
        }
    }
}

fn count(counts: &mut BTreeMap<String, u64>, name: String) {
    *counts.entry(name).or_default() += 1;
}

/// Whether the policy looked and answered.
fn is_judged(look: &Look) -> bool {
    matches!(&*look.outcome, "allow" | "modify" | "block" | "ask")
}

/// Why it did not.
fn reason(look: &Look) -> String {
    match &look.cause {
        Some(cause) => format!("{}: {cause}", look.outcome),
        None => (*look.outcome).to_owned(),
    }
}

/// The less the graver: what should have been judged and could not, before what nobody wanted judged.
fn gravity(look: &Look) -> u8 {
    match (&*look.outcome, look.cause.as_deref()) {
        ("failed", _) => 0,
        ("skipped", Some("refused" | "condition")) => 2,
        _ => 1,
    }
}
