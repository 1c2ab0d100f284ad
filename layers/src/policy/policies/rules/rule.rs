//! One rule: as it is written, and as it is kept.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{act::Change, template::Template};
use crate::policy::{
    cel::{Expression, Vocabulary},
    known,
    registry::BuildError,
};

/// What is done when something holds.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    /// Its name in the record: at most 64 letters, digits, `-`, `_` and `.`.
    pub(super) name: String,
    /// What it is about.
    on: On,
    /// When it holds: a condition in CEL.
    when: String,
    /// What is done then. Nothing, if it only counts.
    #[serde(default, rename = "do")]
    action: Option<Action>,
    /// What is said: why it is refused, what is warned of, what stands in its place, what the operator is told. `{{…}}` is
    /// the value of an expression, such as `{{tool.name}}`.
    #[serde(default)]
    message: Option<String>,
    /// What the agent may do instead, in a few words; as `message`.
    #[serde(default)]
    remedy: Option<String>,
    /// With `do: replace` of a tool call: new values of arguments, each an expression in CEL. The others stay.
    #[serde(default)]
    set: BTreeMap<String, String>,
    /// With `do: replace` of a text: what stands in its place, an expression in CEL.
    #[serde(default)]
    to: Option<String>,
    /// The counter that goes up by one in the conversation when it holds.
    #[serde(default)]
    pub(super) count: Option<String>,
}

/// What a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum On {
    /// A tool call of the model, before the client sees it.
    ToolCall,
    /// A request, before the provider sees it.
    Request,
    /// A text of the model, whole: it does not flow any more.
    Text,
}

impl On {
    fn vocabulary(self) -> Vocabulary {
        match self {
            Self::ToolCall => Vocabulary::CALL,
            Self::Request => Vocabulary::REQUEST,
            Self::Text => Vocabulary::TEXT,
        }
    }
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Action {
    /// It is refused, with an explanation. A request is answered so.
    Block,
    /// It passes, with a warning in front. Not of requests.
    Warn,
    /// It goes, and the message stands in its place. Not of requests.
    Drop,
    /// It passes with other content. Not of requests.
    Replace,
    /// A person has to say. Not of requests.
    Ask,
    /// A request does not go up: the message is the reply.
    Answer,
    /// A request does not go up: it ends in an error.
    Refuse,
    /// It passes, and the operator is told.
    Flag,
}

impl Action {
    fn is_of(self, on: On) -> bool {
        match self {
            Self::Block | Self::Flag => true,
            Self::Warn | Self::Drop | Self::Replace | Self::Ask => on != On::Request,
            Self::Answer | Self::Refuse => on == On::Request,
        }
    }
}

/// A rule that was checked.
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) on: On,
    pub(super) when: Expression,
    pub(super) action: Option<Action>,
    pub(super) message: Template,
    pub(super) remedy: Option<Template>,
    pub(super) change: Change,
    pub(super) count: Option<String>,
}

impl Rule {
    pub(super) fn changes(&self) -> bool {
        self.action == Some(Action::Replace)
    }

    #[cfg(feature = "guards")]
    pub(super) fn is_about_effects(&self) -> bool {
        self.expressions().any(Expression::is_about_effects)
    }

    pub(super) fn is_about_the_request(&self) -> bool {
        self.expressions().any(Expression::is_about_the_request)
    }

    /// Everything in it that is evaluated.
    pub(super) fn expressions(&self) -> impl Iterator<Item = &Expression> {
        let said = [Some(&self.message), self.remedy.as_ref()];
        [&self.when]
            .into_iter()
            .chain(said.into_iter().flatten().flat_map(Template::expressions))
            .chain(self.change.expressions())
    }
}

impl Settings {
    /// Checks all of it. `at` says where a member stands, and `counters` which counters there are.
    pub(super) fn compile(
        self,
        at: &impl Fn(&str) -> String,
        counters: &BTreeSet<String>,
    ) -> Result<Rule, BuildError> {
        for (member, name) in [(".name", Some(&self.name)), (".count", self.count.as_ref())] {
            if name.is_some_and(|name| !is_name(name)) {
                let message = "it must have at most 64 letters, digits, `-`, `_` and `.`";
                return Err(BuildError::new(at(member), message));
            }
        }
        self.is_sensible(at)?;
        let vocabulary = self.on.vocabulary();
        let checked = |expression: Expression, member: &str| {
            let unknown = expression
                .counters()
                .iter()
                .find(|name| !counters.contains(*name));
            match unknown {
                None => Ok(expression),
                Some(name) => {
                    let known: Vec<_> = counters.iter().map(String::as_str).collect();
                    let hint = known::hint(name, &known);
                    let message = format!("no rule counts {name:?}{hint}");
                    Err(BuildError::new(at(member), message))
                }
            }
        };
        let value = |source: &str, member: &str| {
            let value = Expression::value(source, vocabulary);
            let value = value.map_err(|error| BuildError::new(at(member), error.to_string()))?;
            checked(value, member)
        };
        let when = Expression::condition(&self.when, vocabulary)
            .map_err(|error| BuildError::new(at(".when"), error.to_string()))?;
        let set = self.set.iter().map(|(name, source)| {
            let member = format!(".set.{name}");
            Ok((name.clone(), value(source, &member)?))
        });
        let template = |text: &str, member: &str| {
            Template::read(text, |source| value(source, member))
                .map_err(|unclosed| unclosed.at(at(member)))
        };
        Ok(Rule {
            when: checked(when, ".when")?,
            change: Change {
                set: set.collect::<Result<_, BuildError>>()?,
                to: self.to.as_deref().map(|to| value(to, ".to")).transpose()?,
            },
            message: template(self.message.as_deref().unwrap_or_default(), ".message")?,
            remedy: self
                .remedy
                .as_deref()
                .map(|remedy| template(remedy, ".remedy"))
                .transpose()?,
            name: self.name,
            on: self.on,
            action: self.action,
            count: self.count,
        })
    }

    /// What each value alone does not show.
    fn is_sensible(&self, at: &impl Fn(&str) -> String) -> Result<(), BuildError> {
        let wrong = |member: &str, message: &str| Err(BuildError::new(at(member), message));
        let Some(action) = self.action else {
            return match self.count {
                Some(_) if self.message.is_none() && self.remedy.is_none() => Ok(()),
                Some(_) => wrong("", "it has something to say, and no `do`"),
                None => wrong("", "it must have `do`, `count`, or both"),
            };
        };
        let replaces = action == Action::Replace;
        let (calls, texts) = (!self.set.is_empty(), self.to.is_some());
        match (replaces, self.on) {
            _ if !action.is_of(self.on) => wrong(
                ".do",
                match self.on {
                    On::Request => {
                        "a request can be answered (`answer`, `block`), refused (`refuse`) or flagged (`flag`)"
                    }
                    On::ToolCall | On::Text => {
                        "only a request can be answered or refused with an error"
                    }
                },
            ),
            (true, On::ToolCall) if !calls || texts => {
                wrong("", "replacing in a tool call takes `set`, and no `to`")
            }
            (true, On::Text) if !texts || calls => {
                wrong("", "replacing a text takes `to`, and no `set`")
            }
            (false, _) if calls || texts => wrong("", "`set` and `to` are for `do: replace`"),
            (false, _)
                if self
                    .message
                    .as_ref()
                    .is_none_or(|message| message.trim().is_empty()) =>
            {
                wrong("", "`message` is missing: what is said")
            }
            (true, _) if self.message.is_some() || self.remedy.is_some() => wrong(
                "",
                "nobody is told of a replacement: it can have no `message` and no `remedy`",
            ),
            _ => Ok(()),
        }
    }
}

fn is_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=64).contains(&name.len()) && name.bytes().all(fits)
}
