//! The rules about one kind of thing, and how they are gone through.

use std::collections::BTreeMap;

use cel::Context as Cel;
use luthien_core::{decision::Severity, request::LlmRequest};
use serde::{Deserialize, Serialize};

use super::rule::{Action, On, Rule};
use crate::policy::{
    Context, Denial, PastDecision, PolicyError, ToolCall, Verdict,
    cel::{Facts, Failed, Functions, Past, Scope},
    policies::sentence,
};

/// The rules about one kind of thing, in order.
pub(super) struct Group {
    rules: Vec<Rule>,
    functions: Functions,
}

/// How far the counters of a conversation are.
#[derive(Default, Serialize, Deserialize)]
struct Counters(BTreeMap<String, u64>);

/// Why no further rule is asked.
pub(super) enum Stop {
    Block(Denial),
    Drop(String),
    Ask(Denial),
    Answer(Denial),
    Refuse(Denial),
    /// The rules from `next` on see this.
    Change {
        content: String,
        next: usize,
    },
}

impl Stop {
    /// As a verdict on something that the model wrote.
    pub(super) fn into_verdict(self) -> Result<Verdict, PolicyError> {
        match self {
            Self::Block(denial) => Ok(Verdict::Block(denial)),
            Self::Drop(words) => Ok(Verdict::Drop(words)),
            Self::Ask(denial) => Ok(Verdict::Ask(denial)),
            Self::Change { content, .. } => Ok(Verdict::Replace(content)),
            Self::Answer(_) | Self::Refuse(_) => {
                Err(PolicyError::new("only a request can be answered"))
            }
        }
    }
}

/// What rules have said that do not decide.
#[derive(Default)]
pub(super) struct Seen {
    warning: Option<Denial>,
    /// The first that could not be evaluated.
    failed: Option<String>,
}

impl Seen {
    /// That no rule has decided may be because one could not be evaluated.
    pub(super) fn failure(&self) -> Option<PolicyError> {
        self.failed.clone().map(PolicyError::new)
    }

    /// The verdict if no rule has refused.
    pub(super) fn into_verdict(self, content: Option<String>) -> Result<Verdict, PolicyError> {
        match (self.failure(), self.warning, content) {
            (Some(failure), ..) => Err(failure),
            (None, Some(denial), content) => Ok(Verdict::Warn { denial, content }),
            (None, None, Some(content)) => Ok(Verdict::Replace(content)),
            (None, None, None) => Ok(Verdict::Allow),
        }
    }

    fn warn(&mut self, denial: Denial) {
        match &mut self.warning {
            // One warning stands in front, and it says it all.
            Some(warning) => warning.join(denial),
            None => self.warning = Some(denial),
        }
    }

    fn fail(&mut self, rule: &Rule, failed: Failed) {
        let message = failed.into_message();
        let name = &rule.name;
        self.failed
            .get_or_insert(format!("the rule {name:?} cannot be evaluated: {message}"));
    }
}

impl Group {
    /// Takes the rules about one kind of thing.
    pub(super) fn of(on: On, rules: &mut Vec<Rule>) -> Self {
        let rules: Vec<_> = rules.extract_if(.., |rule| rule.on == on).collect();
        Self {
            functions: Functions::of(rules.iter().flat_map(Rule::expressions)),
            rules,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    pub(super) fn any(&self, is: impl Fn(&Rule) -> bool) -> bool {
        self.rules.iter().any(is)
    }

    /// Asks the rules from `from` on about something, until one decides.
    pub(super) fn judge(
        &self,
        from: usize,
        call: Option<&ToolCall>,
        text: Option<&str>,
        request: Option<&LlmRequest>,
        cx: &Context,
        seen: &mut Seen,
    ) -> Option<Stop> {
        let history = History(cx);
        let scope = Scope::new(Facts {
            exchange: cx.exchange(),
            call,
            text,
            request,
            past: &history,
            #[cfg(feature = "guards")]
            place: Some(cx.place()),
        });
        let context = match scope.context(&self.functions) {
            Ok(context) => context,
            Err(error) => {
                seen.failed.get_or_insert(error.to_string());
                return None;
            }
        };
        for (place, rule) in self.rules.iter().enumerate().skip(from) {
            match rule.when.holds(&context, &scope) {
                Ok(false) => {}
                Ok(true) => match rule.act(place, call, &context, &scope, cx, seen) {
                    Ok(None) => {}
                    Ok(stop) => return stop,
                    Err(failed) => seen.fail(rule, failed),
                },
                Err(failed) => seen.fail(rule, failed),
            }
        }
        None
    }
}

impl Rule {
    /// It holds: does what is to be done.
    fn act(
        &self,
        place: usize,
        call: Option<&ToolCall>,
        context: &Cel<'_, '_>,
        scope: &Scope<'_>,
        cx: &Context,
        seen: &mut Seen,
    ) -> Result<Option<Stop>, Failed> {
        if let Some(counter) = &self.count {
            let counted = cx.update_state(|counters: &mut Counters| {
                let count = counters.0.entry(counter.clone()).or_default();
                *count = count.saturating_add(1);
            });
            // That it could not be counted is a failure, and no reason not to refuse.
            if let Err(error) = counted {
                seen.fail(self, Failed::Error(error.to_string()));
            }
        }
        let Some(action) = self.action else {
            return Ok(None);
        };
        let message = || self.message.render(context, scope);
        let denial = || {
            let detail = format!("the rule {:?}: {}", self.name, self.when.source());
            let denial = Denial::new(self.name.clone(), sentence(&message())).with_detail(detail);
            match &self.remedy {
                Some(remedy) => denial.with_remedy(sentence(&remedy.render(context, scope))),
                None => denial,
            }
        };
        Ok(Some(match action {
            Action::Block => Stop::Block(denial()),
            Action::Drop => Stop::Drop(message()),
            Action::Ask => Stop::Ask(denial()),
            Action::Answer => Stop::Answer(denial()),
            Action::Refuse => Stop::Refuse(denial()),
            Action::Replace => Stop::Change {
                content: match call {
                    Some(call) => self.change.of_call(call, context, scope)?,
                    None => self.change.of_text(context, scope)?,
                },
                next: place + 1,
            },
            Action::Warn => {
                seen.warn(denial());
                return Ok(None);
            }
            Action::Flag => {
                cx.emit(Severity::Warning, &format!("{}: {}", self.name, message()));
                return Ok(None);
            }
        }))
    }
}

/// The conversation, as its policy remembers it.
struct History<'a>(&'a Context);

impl Past for History<'_> {
    fn denials(&self) -> u32 {
        self.0.denials()
    }

    fn count(&self, counter: &str) -> u64 {
        let Counters(counters) = self.0.state();
        counters.get(counter).copied().unwrap_or_default()
    }

    fn decisions(&self) -> Vec<PastDecision> {
        self.0.decisions()
    }
}
