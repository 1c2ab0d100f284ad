use std::{fmt, sync::Arc};

use luthien_core::{
    body::{Chunk, Flow, Observe, StreamEnd},
    reply::{Part, Usage},
};

use super::{
    Rule,
    ledger::{Grant, Ledger, Used},
    rule::Measure,
};

/// An open reservation. Held by the future, then by the body; settled when dropped, wherever that is.
pub struct Settle {
    ledger: Arc<dyn Ledger>,
    grant: Option<Grant>,
    /// Whether any rule counts tokens; if none does, no event is looked into.
    tokens: bool,
    usage: Usage,
    /// About how many bytes of words came out so far, of which nobody has said how many tokens they are.
    written: u64,
    /// Whether the reply came to its end, and with it the provider's count.
    complete: bool,
    /// Whether the provider refused: then nothing was used.
    refused: bool,
}

impl Settle {
    pub(super) fn new(ledger: Arc<dyn Ledger>, grant: Grant) -> Self {
        let rules = ledger.rules();
        let counts =
            |rule: &Rule| matches!(rule.measure(), Measure::InputTokens | Measure::OutputTokens);
        let tokens = grant
            .claims
            .iter()
            .any(|claim| rules.get(claim.rule).is_some_and(counts));
        let usage = Usage::default();
        Self {
            ledger,
            grant: Some(grant),
            tokens,
            usage,
            written: 0,
            complete: false,
            refused: false,
        }
    }

    pub(super) fn grant(&self) -> Option<&Grant> {
        self.grant.as_ref()
    }

    /// The provider's answer is an error.
    pub(super) fn refuse(&mut self) {
        self.refused = true;
    }

    fn used(&self) -> Used {
        if self.refused {
            return Used {
                input: Some(0),
                output: Some(0),
            };
        }
        // Before its end a stream reports its first tokens, if any: the larger number is nearer to the truth.
        let estimate = self.written.div_ceil(4);
        let output = match self.usage.output {
            Some(output) if self.complete => output,
            output => output.unwrap_or(0).max(estimate),
        };
        Used {
            input: self.usage.input,
            output: Some(output),
        }
    }
}

impl Observe for Settle {
    fn on_chunk(&mut self, chunk: &Chunk) -> Flow {
        if !self.tokens {
            return Flow::Forward;
        }
        match chunk.usage() {
            Some(usage) => self.usage.update(usage),
            None => self.written += chunk.words() as u64,
        }
        // An error ends a stream, and only there is it worth looking for.
        if chunk.is_terminal() && self.written == 0 && self.usage == Usage::default() {
            self.refused = chunk.event().is_some_and(|event| {
                let is_error = |part: &Part| matches!(part, Part::Error { .. });
                event.parts().iter().any(is_error)
            });
        }
        Flow::Forward
    }

    fn on_end(mut self, end: StreamEnd) {
        self.complete = end == StreamEnd::Complete;
    }
}

impl Drop for Settle {
    fn drop(&mut self) {
        if let Some(grant) = self.grant.take() {
            self.ledger.settle(grant, self.used());
        }
    }
}

impl fmt::Debug for Settle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settle")
            .field("grant", &self.grant)
            .field("usage", &self.usage)
            .finish_non_exhaustive()
    }
}
