//! Words with values in them.

use cel::Context as Cel;
use serde_json::Value;

use crate::policy::{
    cel::{Expression, Scope},
    mask::{is_secret, mask_text, mask_value},
    notice::shorten,
    registry::BuildError,
};

/// A text in which `{{…}}` stands for the value of an expression.
pub(super) struct Template(Vec<Part>);

enum Part {
    Text(String),
    Value {
        expression: Expression,
        /// Whether it stands under a name that secrets have.
        secret: bool,
    },
}

/// Why a text is no template.
pub(super) enum Wrong {
    Unclosed,
    Expression(BuildError),
}

impl Wrong {
    pub(super) fn at(self, path: String) -> BuildError {
        match self {
            Self::Unclosed => BuildError::new(path, "a `{{` without its `}}`"),
            Self::Expression(error) => error,
        }
    }
}

impl Template {
    /// Reads a text; `read` reads the expressions in it.
    pub(super) fn read(
        text: &str,
        read: impl Fn(&str) -> Result<Expression, BuildError>,
    ) -> Result<Self, Wrong> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (source, after) = after.split_once("}}").ok_or(Wrong::Unclosed)?;
            let source = source.trim();
            parts.push(Part::Text(before.to_owned()));
            parts.push(Part::Value {
                expression: read(source).map_err(Wrong::Expression)?,
                secret: is_secret(source),
            });
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        Ok(Self(parts))
    }

    pub(super) fn expressions(&self) -> impl Iterator<Item = &Expression> {
        self.0.iter().filter_map(|part| match part {
            Part::Value { expression, .. } => Some(expression),
            Part::Text(_) => None,
        })
    }

    /// The text with its values. What cannot be said of this exchange is left out: a refusal must not fail for its words.
    pub(super) fn render(&self, cx: &Cel<'_, '_>, scope: &Scope<'_>) -> String {
        let parts = self.0.iter().map(|part| match part {
            Part::Text(text) => text.clone(),
            Part::Value { secret: true, .. } => "****".to_owned(),
            Part::Value { expression, .. } => match expression.json(cx, scope) {
                Ok(value) => shown(value),
                Err(_) => String::new(),
            },
        });
        parts.collect()
    }
}

/// A value, to be read: one short line without secrets.
fn shown(mut value: Value) -> String {
    mask_value(&mut value);
    let text = match value {
        Value::Null => return String::new(),
        Value::String(text) => text,
        value => value.to_string(),
    };
    // Cut only after it was masked: half a secret would not be known for one.
    let masked = mask_text(&text).replace("```", "'''");
    shorten(&masked.replace(['\n', '\r', '\t'], " "))
}
