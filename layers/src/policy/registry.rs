use std::fmt;

use schemars::{JsonSchema, Schema};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::{Entry, Policy, known, policies};

/// A policy that comes with this crate, to be had by its name.
///
/// ```
/// use luthien::policy::{PolicySet, find};
/// use serde_json::json;
///
/// let replace = find("replace")?.build(&json!({ "from": "foo", "to": "bar" }))?;
/// let set = PolicySet::new(vec![replace.with_name("no-foo")]);
///
/// let typo = find("replase").unwrap_err();
/// assert_eq!(typo.to_string(), r#"there is no policy "replase": did you mean "replace"?"#);
/// let typo = find("replace")?.build(&json!({ "from": "foo", "to": 7 })).unwrap_err();
/// assert_eq!(typo.to_string(), "to: invalid type: integer `7`, expected a string");
/// # Ok::<(), luthien::policy::BuildError>(())
/// ```
pub struct Builtin {
    /// The name in configurations.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// Settings, as YAML: what would stand under `with`.
    pub example: &'static str,
    schema: fn() -> Schema,
    build: fn(&str, &Value) -> Result<Entry, BuildError>,
}

impl Builtin {
    pub(super) const fn new<S: Settings>(
        name: &'static str,
        summary: &'static str,
        example: &'static str,
    ) -> Self {
        Self {
            name,
            summary,
            example,
            schema: || schemars::schema_for!(S),
            build: build::<S>,
        }
    }

    /// The JSON Schema of its settings.
    pub fn schema(&self) -> Schema {
        (self.schema)()
    }

    /// The policy with these settings; `null` means that there are none. It has the built-in's name, and a version that
    /// changes with the settings.
    ///
    /// # Errors
    ///
    /// If the settings are not what the schema says, or cannot be meant.
    pub fn build(&self, with: &Value) -> Result<Entry, BuildError> {
        (self.build)(self.name, with)
    }
}

impl fmt::Debug for Builtin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Builtin").field(&self.name).finish()
    }
}

/// All policies that come with this crate, by name.
pub fn builtins() -> &'static [Builtin] {
    policies::BUILTINS
}

/// The one of this name.
///
/// # Errors
///
/// If there is none.
pub fn find(name: &str) -> Result<&'static Builtin, BuildError> {
    let found = builtins().iter().find(|builtin| builtin.name == name);
    found.ok_or_else(|| {
        let names: Vec<_> = builtins().iter().map(|builtin| builtin.name).collect();
        BuildError::new(
            "",
            format!(
                "there is no policy {name:?}{}",
                match known::hint(name, &names) {
                    hint if hint.is_empty() => format!("; there are {}", names.join(", ")),
                    hint => hint,
                }
            ),
        )
    })
}

/// Why a policy could not be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildError {
    path: String,
    message: String,
}

impl BuildError {
    /// Something is wrong with the setting at this path; empty if with none in particular.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            message: message.into(),
        }
    }

    /// Where in the settings, such as `arguments[0].path`; empty if nowhere in particular.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is wrong there.
    pub fn message(&self) -> &str {
        &self.message
    }
}

/// `arguments[0].path: …`
impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for BuildError {}

/// The settings of a built-in policy. What a configuration leaves out is filled in by their defaults.
pub(super) trait Settings: Serialize + DeserializeOwned + JsonSchema {
    /// What is made of them.
    type Policy: Policy;

    /// Makes it.
    fn policy(self) -> Result<Self::Policy, BuildError>;
}

fn build<S: Settings>(name: &str, with: &Value) -> Result<Entry, BuildError> {
    let none = Value::Object(Map::new());
    let with = if with.is_null() { &none } else { with };
    let settings: S = serde_path_to_error::deserialize(with).map_err(|error| {
        let path = error.path().to_string();
        // The root's path is a dot.
        let path = if path == "." { String::new() } else { path };
        BuildError::new(path, error.into_inner().to_string())
    })?;
    let version = version(name, &settings);
    Ok(Entry::new(name, settings.policy()?).with_version(version))
}

/// Changes when the settings do, defaults included, and with every release.
fn version(name: &str, settings: &impl Serialize) -> String {
    let settings = serde_json::to_vec(settings).unwrap_or_default();
    let mut hash = Sha256::new();
    for part in [
        name.as_bytes(),
        b"\0",
        &settings,
        b"\0",
        env!("CARGO_PKG_VERSION").as_bytes(),
    ] {
        hash.update(part);
    }
    let hash = hash.finalize();
    hash.iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_built_in_can_be_had_by_its_name_with_its_example() {
        for builtin in builtins() {
            let name = builtin.name;
            let example: Value = serde_saphyr::from_str(builtin.example).unwrap();
            let entry = find(name).unwrap().build(&example);
            let entry = entry.unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(entry.name(), name);
            assert_eq!(entry.version().len(), 12);
            assert!(builtin.summary.ends_with('.'), "{name}");
            let schema = builtin.schema();
            let unknown = schema.get("additionalProperties");
            assert_eq!(unknown, Some(&json!(false)), "{name}: {schema:?}");
            let properties = schema.get("properties").and_then(Value::as_object);
            for (property, schema) in properties.into_iter().flatten() {
                assert!(schema.get("description").is_some(), "{name}.{property}");
            }
        }
        let names: Vec<_> = builtins().iter().map(|builtin| builtin.name).collect();
        assert!(names.is_sorted(), "{names:?}");
    }

    #[test]
    fn a_version_changes_with_the_settings_and_not_with_how_they_are_written() {
        let version = |with: Value| {
            let entry = find("replace").unwrap().build(&with).unwrap();
            entry.version().to_owned()
        };
        let plain = version(json!({"from": "a", "to": "b"}));
        assert_eq!(
            plain,
            version(json!({"to": "b", "regex": false, "from": "a"}))
        );
        assert_ne!(plain, version(json!({"from": "a", "to": "c"})));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let error =
            |name: &str, with: Value| match find(name).and_then(|policy| policy.build(&with)) {
                Ok(_) => panic!("{name} {with} is fine"),
                Err(error) => error.to_string(),
            };
        assert!(
            error("x", json!({})).starts_with("there is no policy \"x\"; there are all-caps, ")
        );
        assert_eq!(
            error("noop", json!({"x": 1})),
            "x: unknown field `x`, there are no fields"
        );
        assert_eq!(
            error("deny-tools", json!({"tools": ["a", 1]})),
            "tools[1]: invalid type: integer `1`, expected a string"
        );
        assert_eq!(error("replace", Value::Null), "missing field `from`");
    }
}
