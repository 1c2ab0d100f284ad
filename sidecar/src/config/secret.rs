//! Secrets: where they are, and what they are once they have been fetched.

use std::{borrow::Cow, env, fmt, fs};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, de};

/// A secret. In the configuration stands where it is: `${NAME}` of an environment variable (also as a part of a longer
/// text), `file:PATH`, or `none`. It is fetched when the configuration is read, and never printed.
#[derive(Clone)]
pub(crate) struct Secret {
    /// As it stands in the configuration.
    written: String,
    value: Option<SecretString>,
}

impl Secret {
    /// The secret; `None` if it is `none`.
    pub(crate) fn value(&self) -> Option<&SecretString> {
        self.value.as_ref()
    }

    /// The secret as text; empty if it is `none`.
    pub(crate) fn expose(&self) -> &str {
        self.value
            .as_ref()
            .map_or("", |value| value.expose_secret())
    }

    /// Whether any of it comes from elsewhere.
    pub(crate) fn is_reference(&self) -> bool {
        self.value.is_none() || self.written.contains("${") || self.written.starts_with("file:")
    }

    fn fetch(written: &str) -> Result<Option<SecretString>, String> {
        if written == "none" {
            return Ok(None);
        }
        if let Some(path) = written.strip_prefix("file:") {
            let text = fs::read_to_string(path)
                .map_err(|error| format!("the file {path:?} cannot be read: {error}"))?;
            let text = text.trim_end_matches(['\r', '\n']);
            return if text.is_empty() {
                Err(format!("the file {path:?} is empty"))
            } else {
                Ok(Some(text.into()))
            };
        }
        let mut rest = written;
        let mut value = String::new();
        while let Some((before, after)) = rest.split_once("${") {
            let (name, after) = after.split_once('}').ok_or("a `${` without its `}`")?;
            value.push_str(before);
            let found = env::var(name).ok().filter(|value| !value.is_empty());
            value.push_str(
                &found.ok_or_else(|| format!("the environment variable {name} is not set"))?,
            );
            rest = after;
        }
        value.push_str(rest);
        Ok(Some(value.into()))
    }
}

/// Shows where it is, not what it is; of a URL with a password in it, neither.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_reference() && !self.written.contains('@') {
            &self.written
        } else {
            "[secret]"
        })
    }
}

/// Equal if it comes from the same place and is the same.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written && self.expose() == other.expose()
    }
}

impl Eq for Secret {}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = String::deserialize(deserializer)?;
        let value = Self::fetch(&written).map_err(de::Error::custom)?;
        Ok(Self { written, value })
    }
}

impl JsonSchema for Secret {
    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "description": "`${NAME}` of an environment variable, `file:PATH`, or `none`" })
    }
}
