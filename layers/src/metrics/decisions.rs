//! What policies decide, as it is counted.

use luthien_core::decision::{
    Coverage, Decision, DecisionSink, Exchange, Inspected, Outcome, Phase, Severity,
};

use super::{
    Metrics,
    families::seconds,
    labels::{Calls, Decided, Failed, Judge, Policy, Tokens},
};

impl DecisionSink for Metrics {
    fn decided(&self, _: &Exchange, decision: &Decision) {
        let families = self.families();
        let policy = decision.policy.clone();
        let decided = Decided {
            policy: policy.clone(),
            mode: decision.mode.name(),
            phase: decision.phase.name(),
            outcome: match decision.outcome {
                // What failed and had no consequence let something pass that nobody has judged.
                Outcome::Failed(_) if decision.applied => "failed_closed",
                Outcome::Failed(_) => "failed_open",
                other => other.name(),
            },
        };
        families.decisions.get_or_create(&decided).inc();
        if let Outcome::Failed(failure) = decision.outcome {
            let cause = failure.name();
            let labels = Failed {
                policy: policy.clone(),
                cause,
            };
            families.failures.get_or_create(&labels).inc();
        }
        let of = Policy { policy };
        if !matches!(decision.outcome, Outcome::Skipped(_)) {
            let latency = seconds(decision.latency);
            families.policy.get_or_create(&of).observe(latency);
        }
        for consulted in &decision.consulted {
            let labels = Judge {
                policy: of.policy.clone(),
                cached: if consulted.cached { "true" } else { "false" },
            };
            families.judged.get_or_create(&labels).inc();
            if consulted.cached {
                continue;
            }
            let latency = seconds(consulted.latency);
            families.judge.get_or_create(&of).observe(latency);
            let usage = &consulted.usage;
            for (kind, tokens) in [("input", usage.input), ("output", usage.output)] {
                // Judges are named in the configuration.
                let model = consulted.model.clone();
                let tokens = tokens.unwrap_or_default();
                let labels = Tokens { model, kind };
                families.judge_tokens.get_or_create(&labels).inc_by(tokens);
            }
        }
    }

    fn emitted(&self, _: &Exchange, _: &str, _: Severity, _: &str) {}

    fn covered(&self, _: &Exchange, coverage: &Coverage) {
        let things = coverage.things().iter();
        for call in things.filter(|thing| thing.phase == Phase::ToolCall) {
            let labels = Calls {
                judged: judged(call),
            };
            self.families().calls.get_or_create(&labels).inc();
        }
    }
}

/// Whether a policy has looked at a call: `yes`, or why none has.
fn judged(call: &Inspected) -> &'static str {
    if call.is_evaluated() {
        return "yes";
    }
    // The last word counts: whoever comes later looks at what came of those before.
    call.looks
        .last()
        .map_or("nobody", |look| match look.outcome {
            Outcome::Failed(failure) => failure.name(),
            Outcome::Skipped(skip) => skip.name(),
            _ => "yes",
        })
}
