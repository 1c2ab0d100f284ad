//! What is looked for in the arguments of a call.

use std::fmt;

use regex::{Regex, RegexBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use wildmatch::WildMatch;

use crate::policy::{ToolCall, registry::BuildError};

/// One thing to look for: a regular expression or a glob, one of them.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    /// Where: `command`, `env.STAGE`, `edits.*.path`. Everywhere, if it is left out.
    #[serde(default)]
    path: Option<String>,
    /// A regular expression that is found in the text.
    #[serde(default)]
    matches: Option<String>,
    /// A pattern for the whole text: `*` stands for anything, `?` for one character.
    #[serde(default)]
    glob: Option<String>,
}

/// The most bytes that a compiled pattern may take.
const SIZE: usize = 1 << 20;

impl Settings {
    pub(super) fn compile(self, place: usize) -> Result<Argument, BuildError> {
        let at = |member: &str| format!("arguments[{place}]{member}");
        let pattern = match (self.matches, self.glob) {
            (Some(pattern), None) => {
                let regex = RegexBuilder::new(&pattern).size_limit(SIZE).build();
                let regex =
                    regex.map_err(|error| BuildError::new(at(".matches"), error.to_string()));
                Pattern::Regex(regex?)
            }
            (None, Some(glob)) => Pattern::Glob(WildMatch::new(&glob)),
            _ => {
                let message = "it must have either `matches` or `glob`";
                return Err(BuildError::new(at(""), message));
            }
        };
        let path = match self.path {
            None => Vec::new(),
            Some(path) => {
                let steps: Vec<_> = path.split('.').map(str::to_owned).collect();
                if steps.iter().any(String::is_empty) {
                    let message = "it must be names, with dots between them";
                    return Err(BuildError::new(at(".path"), message));
                }
                steps
            }
        };
        Ok(Argument { path, pattern })
    }
}

/// What is looked for, and where.
pub(super) struct Argument {
    /// From the root of the arguments; empty for everywhere.
    path: Vec<String>,
    pattern: Pattern,
}

enum Pattern {
    Regex(Regex),
    Glob(WildMatch),
}

impl Pattern {
    fn is_in(&self, text: &str) -> bool {
        match self {
            Self::Regex(regex) => regex.is_match(text),
            Self::Glob(glob) => glob.matches(text),
        }
    }
}

impl Argument {
    /// Whether it is found in the arguments of the call.
    pub(super) fn is_in(&self, call: &ToolCall) -> bool {
        match call.arguments() {
            // The text of a custom tool, or what no tool can read: it cannot be taken apart.
            None => self.pattern.is_in(call.input()),
            Some(arguments) => self.is_at(&self.path, arguments),
        }
    }

    fn is_at(&self, path: &[String], value: &Value) -> bool {
        let Some((step, rest)) = path.split_first() else {
            return self.is_within(value);
        };
        match value {
            Value::Object(members) if step == "*" => {
                members.values().any(|value| self.is_at(rest, value))
            }
            Value::Object(members) => members
                .get(step)
                .is_some_and(|value| self.is_at(rest, value)),
            Value::Array(values) if step == "*" => {
                values.iter().any(|value| self.is_at(rest, value))
            }
            Value::Array(values) => {
                let value = step.parse().ok().and_then(|place: usize| values.get(place));
                value.is_some_and(|value| self.is_at(rest, value))
            }
            _ => false,
        }
    }

    /// Whether it is found in a value, or in what is in it.
    fn is_within(&self, value: &Value) -> bool {
        match value {
            Value::Null => false,
            Value::String(text) => self.pattern.is_in(text),
            Value::Bool(_) | Value::Number(_) => self.pattern.is_in(&value.to_string()),
            Value::Object(members) => members.values().any(|value| self.is_within(value)),
            Value::Array(values) => {
                values.iter().any(|value| self.is_within(value))
                    || joined(values).is_some_and(|text| self.pattern.is_in(&text))
            }
        }
    }
}

/// `["rm", "-rf", "/"]`: a command in words.
fn joined(values: &[Value]) -> Option<String> {
    let words: Option<Vec<_>> = values.iter().map(Value::as_str).collect();
    words
        .filter(|words| words.len() > 1)
        .map(|words| words.join(" "))
}

impl fmt::Display for Argument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_slice() {
            [] => f.write_str("its arguments match ")?,
            path => write!(f, "its {:?} matches ", path.join("."))?,
        }
        match &self.pattern {
            Pattern::Regex(regex) => write!(f, "{:?}", regex.as_str()),
            Pattern::Glob(glob) => write!(f, "{:?}", glob.to_string()),
        }
    }
}
