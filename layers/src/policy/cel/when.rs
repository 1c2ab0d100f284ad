use std::{fmt, str::FromStr, sync::Arc};

use luthien_core::decision::Exchange;

use super::{Expression, ExpressionError, Facts, Functions, Scope, Vocabulary};
use crate::policy::{Condition, PolicyError, ToolCall};

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
/// then the policy applies, and the operator is told so once in the exchange; ask `has(tool.input.command)` first if that is
/// not meant.
///
/// Everything that can be known to be wrong is refused when the expression is loaded: names, functions, patterns, and what
/// is neither true nor false. There is no `map`, loops are cut short when they have gone through too much, and of what has
/// more than 4 MiB nothing can be said: what a model writes can make a condition an error, and never slow.
#[derive(Clone)]
pub struct When(Arc<Read>);

struct Read {
    expression: Expression,
    functions: Functions,
}

impl FromStr for When {
    type Err = WhenError;

    fn from_str(source: &str) -> Result<Self, WhenError> {
        let expression = Expression::condition(source, Vocabulary::WHEN)?;
        let functions = Functions::of([&expression]);
        Ok(Self(Arc::new(Read {
            expression,
            functions,
        })))
    }
}

impl Condition for When {
    fn holds(&self, exchange: &Exchange, call: Option<&ToolCall>) -> Result<bool, PolicyError> {
        let scope = Scope::new(Facts {
            exchange,
            call,
            text: None,
            request: None,
            past: &(),
            #[cfg(feature = "guards")]
            place: None,
        });
        let context = scope.context(&self.0.functions);
        let context = context.map_err(|error| PolicyError::new(error.to_string()))?;
        let holds = self.0.expression.holds(&context, &scope);
        holds.map_err(|failed| PolicyError::new(failed.into_message()))
    }

    fn is_about_calls(&self) -> bool {
        self.0.expression.is_about_calls()
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.expression.source())
    }
}

impl fmt::Debug for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = self.0.expression.source();
        f.debug_tuple("When").field(&source).finish()
    }
}

/// Why an expression is no condition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WhenError(String);

impl From<ExpressionError> for WhenError {
    fn from(error: ExpressionError) -> Self {
        Self(error.to_string())
    }
}
