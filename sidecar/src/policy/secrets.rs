//! Secrets in the settings of policies: headers of those that are asked over HTTP.

use serde_json::{Map, Value};

use crate::config::{ConfigError, Secret};

/// The policy with headers.
const HTTP: &str = "http";

/// Puts secrets in the place of their references, as they are read everywhere in the configuration; `none` leaves the header
/// away. What is written here stays where it is built, and is never printed.
pub(super) fn resolve(
    path: &str,
    builtin: &str,
    with: &mut Map<String, Value>,
) -> Result<(), ConfigError> {
    if builtin != HTTP {
        return Ok(());
    }
    let Some(Value::Object(headers)) = with.get_mut("headers") else {
        return Ok(());
    };
    let mut resolved = Map::new();
    for (name, value) in std::mem::take(headers) {
        // What is no text is complained of where its type is known.
        if !value.is_string() {
            resolved.insert(name, value);
            continue;
        }
        let path = format!("{path}.headers.{name}");
        let secret: Secret = serde_json::from_value(value)
            .map_err(|error| ConfigError::new(&*path, error.to_string()))?;
        if is_for_secrets(&name) && !secret.is_reference() {
            let message = "a secret does not belong into this file";
            let hint = "write `${NAME}` of an environment variable, or `file:PATH`";
            return Err(ConfigError::new(path, message).with_hint(hint));
        }
        if secret.value().is_some() {
            resolved.insert(name, secret.expose().into());
        }
    }
    *headers = resolved;
    Ok(())
}

/// Whether a header of this name is for secrets.
fn is_for_secrets(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["authorization", "cookie", "key", "secret", "token"]
        .iter()
        .any(|word| name.contains(word))
}
