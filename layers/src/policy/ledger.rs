use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use luthien_core::{
    decision::{Coverage, Decision, DecisionSink, Exchange},
    reply::BlockId,
};

use super::{Phase, PolicyError, Severity};

/// What is told of one exchange: decisions as they are made, and, when nobody can add to it any more, its coverage.
pub(crate) struct Ledger {
    exchange: Exchange,
    sink: Arc<dyn DecisionSink>,
    coverage: Mutex<Coverage>,
    /// The policies of which the operator knows that their conditions could not be evaluated here.
    unclear: Mutex<BTreeSet<Arc<str>>>,
}

/// What the operator is told of a condition that cannot be evaluated.
pub(crate) fn unclear(error: &PolicyError) -> String {
    format!("its condition cannot be evaluated, so it holds: {error}")
}

impl Ledger {
    pub(crate) fn new(exchange: Exchange, sink: Arc<dyn DecisionSink>) -> Self {
        Self {
            exchange,
            sink,
            coverage: Mutex::default(),
            unclear: Mutex::default(),
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

    /// A policy's condition cannot be evaluated: the operator is told so once.
    pub(crate) fn unclear(&self, policy: &Arc<str>, error: &PolicyError) {
        let mut told = self.unclear.lock().unwrap_or_else(PoisonError::into_inner);
        if told.insert(policy.clone()) {
            self.emit(policy, Severity::Warning, &unclear(error));
        }
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
