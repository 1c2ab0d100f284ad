//! Expressions in CEL: checked when they are loaded, bounded when they are asked.

mod check;
mod json;
mod loops;
mod names;
mod parse;
mod scope;
#[cfg(test)]
mod tests;
mod values;
mod when;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, LazyLock},
};

use cel::{Context as Cel, Env, IdedExpr, Value, common::types::CelBool};
use luthien_core::{Dialect, decision::Exchange};
use regex::Regex;

use self::{check::Found, parse::parse};
use super::ToolCall;

#[cfg(feature = "policies-http")]
pub(super) use self::values::last_asked;
pub(super) use self::{
    names::Vocabulary,
    scope::{Facts, Functions, Past, Scope},
};
pub use when::{When, WhenError};

/// What all expressions share: operators and functions.
fn environment() -> &'static Arc<Env> {
    static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));
    &ENV
}

/// An expression that was read, checked and tried.
pub(super) struct Expression {
    source: Box<str>,
    expression: IdedExpr,
    found: Found,
    patterns: Arc<BTreeMap<String, Regex>>,
}

/// Why there is no answer.
pub(super) enum Failed {
    /// Something is of the wrong type.
    Type(String),
    Error(String),
}

impl Failed {
    pub(super) fn into_message(self) -> String {
        let (Self::Type(message) | Self::Error(message)) = self;
        message
    }
}

impl Expression {
    /// Something that is true or false.
    pub(super) fn condition(source: &str, vocabulary: Vocabulary) -> Result<Self, ExpressionError> {
        let expression = Self::read(source, vocabulary)?;
        expression.try_out(|cx, scope| expression.holds(cx, scope).map(|_| ()))?;
        Ok(expression)
    }

    /// Something that is a value.
    pub(super) fn value(source: &str, vocabulary: Vocabulary) -> Result<Self, ExpressionError> {
        let expression = Self::read(source, vocabulary)?;
        expression.try_out(|cx, scope| expression.json(cx, scope).map(|_| ()))?;
        Ok(expression)
    }

    fn read(source: &str, vocabulary: Vocabulary) -> Result<Self, ExpressionError> {
        let (expression, mut found) = parse(source, vocabulary)?;
        let patterns = Arc::new(std::mem::take(&mut found.patterns));
        Ok(Self {
            source: source.into(),
            expression,
            found,
            patterns,
        })
    }

    /// Asks about nothing in particular, for what is wrong whatever is asked about.
    fn try_out(
        &self,
        ask: impl FnOnce(&Cel<'_, '_>, &Scope<'_>) -> Result<(), Failed>,
    ) -> Result<(), ExpressionError> {
        let exchange = Exchange {
            id: None,
            dialect: Dialect::Anthropic,
            path: Dialect::Anthropic.path().into(),
            model: None,
            caller: None,
            user: None,
            session: None,
            purpose: None,
        };
        let call = ToolCall::new("", "{}");
        let scope = Scope::new(Facts {
            exchange: &exchange,
            call: Some(&call),
            text: Some(""),
            request: None,
            past: &(),
            #[cfg(feature = "guards")]
            place: None,
        });
        let context = scope.context(&Functions::of([self]));
        let context = context.map_err(|error| ExpressionError::new(error.to_string()))?;
        match ask(&context, &scope) {
            // Of the arguments of a call nothing is known: there it depends on the call.
            Err(Failed::Type(message)) if !self.found.input => Err(ExpressionError::new(message)),
            _ => Ok(()),
        }
    }

    /// Whether the condition holds, in a context with the functions of this expression.
    pub(super) fn holds(&self, cx: &Cel<'_, '_>, scope: &Scope<'_>) -> Result<bool, Failed> {
        let answer = Value::resolve_val(&self.expression, cx);
        let answer = answer.map_err(|error| failed(error, scope))?;
        match answer.downcast_ref::<CelBool>() {
            Some(answer) => Ok(*answer.inner()),
            None => Err(Failed::Type(format!(
                "it is neither true nor false, but of type {}",
                answer.get_type().name()
            ))),
        }
    }

    /// The value as JSON, in a context with the functions of this expression.
    pub(super) fn json(
        &self,
        cx: &Cel<'_, '_>,
        scope: &Scope<'_>,
    ) -> Result<serde_json::Value, Failed> {
        let value = Value::resolve_val(&self.expression, cx);
        let value = value.map_err(|error| failed(error, scope))?;
        let value = Value::try_from(value.as_ref());
        let value = value.map_err(|error| Failed::Type(error.to_string()))?;
        json::json(&value).ok_or_else(|| Failed::Type("it cannot be written as JSON".to_owned()))
    }

    /// As it was written.
    pub(super) fn source(&self) -> &str {
        &self.source
    }

    /// Whether it speaks of a tool call.
    pub(super) fn is_about_calls(&self) -> bool {
        self.found.variables.contains("tool")
    }

    /// Whether it speaks of what a call does.
    #[cfg(feature = "guards")]
    pub(super) fn is_about_effects(&self) -> bool {
        self.found.variables.contains("effects")
    }

    /// Whether it speaks of what was asked.
    pub(super) fn is_about_the_request(&self) -> bool {
        let mut variables = self.found.variables.iter();
        variables.any(|variable| variable.starts_with("request."))
    }

    /// The counters that it reads.
    pub(super) fn counters(&self) -> &BTreeSet<String> {
        &self.found.counters
    }
}

fn failed(error: cel::ExecutionError, scope: &Scope<'_>) -> Failed {
    match error {
        _ if scope.was_too_large() => Failed::Error(format!(
            "what it is asked about has more than {} bytes",
            scope::LARGEST
        )),
        error @ cel::ExecutionError::NoSuchOverload(_) => Failed::Type(error.to_string()),
        error => Failed::Error(error.to_string()),
    }
}

impl Functions {
    /// The functions of all these expressions.
    #[allow(single_use_lifetimes, reason = "without a name it is not stable there")]
    pub(super) fn of<'e>(expressions: impl IntoIterator<Item = &'e Expression>) -> Self {
        let mut patterns = BTreeMap::new();
        let (mut loops, mut asks) = (false, false);
        for expression in expressions {
            patterns.extend(
                expression
                    .patterns
                    .iter()
                    .map(|(pattern, regex)| (pattern.clone(), regex.clone())),
            );
            loops |= expression.found.loops;
            asks |= expression.found.variables.contains("request.text");
        }
        Self {
            patterns: Arc::new(patterns),
            loops,
            asks,
        }
    }
}

/// Why a text is no expression that can be asked here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct ExpressionError(String);

impl ExpressionError {
    fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}
