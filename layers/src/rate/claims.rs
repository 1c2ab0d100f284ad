//! What an exchange claims under each rule.

use http::Request;
use luthien_core::{
    facts::{Caller, ClientAddr, SessionId, UserId},
    request::LlmBody,
};

use super::{
    Rule,
    ledger::{Claim, Subject},
    rule::{Measure, Per},
};

/// Of output nobody knows beforehand how much there will be. A request reserves what it may use, but not more than
/// this: agents ask for 128,000 tokens and use a few hundred.
const OUTPUT_ESTIMATE: u64 = 1000;

/// One claim under each rule that counts this request. Tokens are counted of calls only.
pub(super) fn of(rules: &[Rule], request: &Request<LlmBody>) -> Vec<Claim> {
    let call = request.body().call();
    let mut claims = Vec::with_capacity(rules.len());
    for (place, rule) in rules.iter().enumerate() {
        let amount = match (rule.measure(), call) {
            (Measure::Requests | Measure::Concurrent, _) => 1,
            (Measure::InputTokens | Measure::OutputTokens, None) => continue,
            // Four bytes to a token, brackets and all: settled when the provider has counted.
            (Measure::InputTokens, Some(call)) => call.bytes().len() as u64 / 4,
            (Measure::OutputTokens, Some(call)) => call
                .max_output_tokens()
                .unwrap_or(u64::MAX)
                .min(OUTPUT_ESTIMATE),
        };
        let amount = u32::try_from(amount).unwrap_or(u32::MAX).max(1);
        claims.push(Claim {
            rule: place,
            subject: subject(rule.per(), request),
            amount,
        });
    }
    claims
}

fn subject(per: Per, request: &Request<LlmBody>) -> Subject {
    let facts = request.extensions();
    let found = match per {
        Per::Everyone => Some(Subject::new("everyone", "")),
        Per::Session => facts.get().map(|SessionId(id)| Subject::new("session", id)),
        Per::User => facts
            .get()
            .map(|user: &UserId| Subject::new("user", &user.id)),
        Per::Key => facts
            .get()
            .map(|caller: &Caller| Subject::new("key", caller.id())),
        Per::Address => facts
            .get()
            .map(|ClientAddr(address)| Subject::new("address", &address.to_string())),
        // Requests that name no model are counted together.
        Per::Model => {
            let model = request.body().call().and_then(|call| call.model());
            Some(Subject::new("model", model.unwrap_or_default()))
        }
    };
    found.unwrap_or_else(|| match per {
        Per::Session => subject(Per::User, request),
        Per::User => subject(Per::Key, request),
        Per::Key => subject(Per::Address, request),
        _ => Subject::new("nobody", ""),
    })
}
