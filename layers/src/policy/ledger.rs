use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use luthien_core::{
    decision::{Coverage, Decision, DecisionSink, Exchange},
    reply::BlockId,
};

use super::{Phase, Severity};

/// What is told of one exchange: decisions as they are made, and, when nobody can add to it any more, its coverage.
pub(crate) struct Ledger {
    exchange: Exchange,
    sink: Arc<dyn DecisionSink>,
    coverage: Mutex<Coverage>,
}

impl Ledger {
    pub(crate) fn new(exchange: Exchange, sink: Arc<dyn DecisionSink>) -> Self {
        Self {
            exchange,
            sink,
            coverage: Mutex::default(),
        }
    }

    pub(crate) fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    /// Something is there to be judged, whether or not anybody judges it.
    pub(crate) fn note(&self, phase: Phase, block: BlockId, tool: Option<&Arc<str>>) {
        self.coverage().note(phase, Some(block), tool);
    }

    /// A policy is asked. Should it never answer, the client has left.
    pub(crate) fn ask(&self, decision: &Decision) {
        self.coverage().ask(decision);
    }

    /// A policy has decided.
    pub(crate) fn decide(&self, decision: &Decision) {
        self.coverage().decide(decision);
        self.sink.decided(&self.exchange, decision);
    }

    /// A policy has something to say beside its verdict.
    pub(crate) fn emit(&self, policy: &str, severity: Severity, message: &str) {
        self.sink.emitted(&self.exchange, policy, severity, message);
    }

    fn coverage(&self) -> MutexGuard<'_, Coverage> {
        // It is only added to.
        self.coverage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        let coverage = std::mem::take(&mut *self.coverage());
        self.sink.covered(&self.exchange, &coverage);
    }
}
