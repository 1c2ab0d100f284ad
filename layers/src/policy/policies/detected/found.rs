use std::{collections::BTreeMap, fmt};

use luthien_core::decision::Severity;

use super::{Action, Detected, Where};
use crate::policy::{Context, detect::Class};

/// How much of what was found where. Nothing of what was found.
#[derive(Debug, Default)]
pub(super) struct Counts(BTreeMap<(Where, Class), u32>);

impl Counts {
    pub(super) fn add(&mut self, place: Where, class: Class) {
        let count = self.0.entry((place, class)).or_default();
        *count = count.saturating_add(1);
    }

    pub(super) fn classes(&self) -> impl Iterator<Item = Class> {
        self.0.keys().map(|(_, class)| *class)
    }

    /// Tells the operator.
    pub(super) fn tell(&self, policy: &Detected, cx: &Context) {
        for ((place, class), count) in &self.0 {
            let (severity, done) = match policy.action(*class) {
                Action::Redact => (Severity::Info, "redacted"),
                _ => (Severity::Warning, "flagged"),
            };
            let place = place.name();
            cx.emit(severity, &format!("{done} {class} in {place}: {count}"));
        }
    }

    /// Tells what has not been told in this conversation: clients send all of it again and again.
    pub(super) fn tell_once(mut self, policy: &Detected, cx: &Context) {
        if self.0.is_empty() {
            return;
        }
        let told = cx.update_state(|told: &mut BTreeMap<String, u32>| {
            self.0.retain(|(place, class), count| {
                let most = told.entry(format!("{} {class}", place.name())).or_default();
                let is_more = *count > *most;
                *most = (*most).max(*count);
                is_more
            });
        });
        // So few words always fit into the state; were they not to, everything is told.
        if told.is_ok() {
            self.tell(policy, cx);
        }
    }
}

/// `aws_key in requests: 1, jwt in tool_results: 2`
impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, ((place, class), count)) in self.0.iter().enumerate() {
            let comma = if number == 0 { "" } else { ", " };
            write!(f, "{comma}{class} in {}: {count}", place.name())?;
        }
        Ok(())
    }
}
