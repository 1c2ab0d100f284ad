//! Conditions in CEL: checked when they are loaded, bounded when they are asked.

mod check;
mod names;
mod parse;
mod scope;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    fmt,
    str::FromStr,
    sync::{Arc, LazyLock},
};

use cel::{Env, IdedExpr, Value, common::types::CelBool};
use luthien_core::{Dialect, decision::Exchange};
use regex::Regex;

use self::{check::Found, parse::parse};
use super::{Condition, PolicyError, ToolCall};

/// A [`Condition`]: when a policy applies, in [CEL](https://cel.dev), the expression language of Kubernetes and of Google's policies.
///
/// ```
/// use luthien::policy::When;
///
/// let when: When = r#"model.startsWith("claude-") && user.trusted"#.parse()?;
/// let of_calls: When = r#"tool.name == "Bash" && tool.input.command.matches("^git push")"#.parse()?;
///
/// let typo = "modle == 'gpt-5'".parse::<When>().unwrap_err();
/// assert!(typo.to_string().contains(r#"did you mean "model"?"#));
/// # Ok::<(), luthien::policy::WhenError>(())
/// ```
///
/// | variable | what it is |
/// |---|---|
/// | `caller.id`, `caller.kind`, `caller.name` | who calls: the key's public part or the credential's fingerprint; `key` or `client`; the key's name |
/// | `user.id`, `user.trusted` | on whose behalf, and whether somebody trusted says so |
/// | `model` | the model asked for |
/// | `dialect` | `anthropic`, `chat` or `responses` |
/// | `session` | the conversation |
/// | `path` | the path of the request |
/// | `purpose` | `turn`, `sub_agent`, `probe`, `title`, `compaction` or `token_count`; `turn` if nobody found out |
/// | `tool.name`, `tool.input` | the call that is judged; its arguments as JSON, or as the text that they are |
///
/// What an exchange does not tell is `""`. An expression that speaks of `tool` is about calls: its policy is asked about
/// them and about nothing else. What cannot be said (`tool.input.command` of a call that has no `command`) is an error, and
/// then the policy applies; ask `has(tool.input.command)` first if that is not meant.
///
/// Everything that can be known to be wrong is refused when the expression is loaded: names, functions, patterns, and what
/// is neither true nor false. There is no `map`, and loops are cut short when they have gone through too much: what a model
/// writes can make a condition an error, and never slow.
#[derive(Clone)]
pub struct When(Arc<Compiled>);

struct Compiled {
    source: Box<str>,
    expression: IdedExpr,
    found: Found,
    patterns: Arc<BTreeMap<String, Regex>>,
}

/// What all expressions share: operators and functions.
fn environment() -> &'static Arc<Env> {
    static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));
    &ENV
}

impl When {
    /// Whether the condition holds.
    fn ask(&self, exchange: &Exchange, call: Option<&ToolCall>) -> Result<bool, Failed> {
        let Compiled {
            expression,
            found,
            patterns,
            ..
        } = &*self.0;
        let scope = scope::scope(environment(), found, patterns, exchange, call)
            .map_err(|error| Failed::Error(error.to_string()))?;
        let answer = Value::resolve_val(expression, &scope).map_err(|error| match error {
            error @ cel::ExecutionError::NoSuchOverload(_) => Failed::Type(error.to_string()),
            error => Failed::Error(error.to_string()),
        })?;
        match answer.downcast_ref::<CelBool>() {
            Some(answer) => Ok(*answer.inner()),
            None => Err(Failed::Type(format!(
                "it is neither true nor false, but of type {}",
                answer.get_type().name()
            ))),
        }
    }

    /// Asks about nothing in particular, for what is wrong whatever is asked about.
    fn try_out(&self) -> Result<(), WhenError> {
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
        match self.ask(&exchange, Some(&call)) {
            // Of the arguments of a call nothing is known: there it depends on the call.
            Err(Failed::Type(message)) if !self.0.found.input => Err(WhenError::new(message)),
            _ => Ok(()),
        }
    }
}

/// Why there is no answer.
enum Failed {
    /// Something is of the wrong type.
    Type(String),
    Error(String),
}

impl FromStr for When {
    type Err = WhenError;

    fn from_str(source: &str) -> Result<Self, WhenError> {
        let (expression, mut found) = parse(source)?;
        let patterns = Arc::new(std::mem::take(&mut found.patterns));
        let when = Self(Arc::new(Compiled {
            source: source.into(),
            expression,
            found,
            patterns,
        }));
        when.try_out()?;
        Ok(when)
    }
}

impl Condition for When {
    fn holds(&self, exchange: &Exchange, call: Option<&ToolCall>) -> Result<bool, PolicyError> {
        self.ask(exchange, call).map_err(|failed| {
            let (Failed::Type(message) | Failed::Error(message)) = failed;
            PolicyError::new(message)
        })
    }

    fn is_about_calls(&self) -> bool {
        self.0.found.variables.contains("tool")
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.source)
    }
}

impl fmt::Debug for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("When").field(&self.0.source).finish()
    }
}

/// Why an expression is no condition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WhenError(String);

impl WhenError {
    fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}
