//! Policies that ask a model: whom they ask, and with whose credential.

use serde_json::{Map, Value};

use super::{Config, ConfigError, error::nearest};

/// Everything that stands under `with` of a policy that asks a model.
fn asking(config: &Config) -> impl Iterator<Item = (String, &Map<String, Value>)> {
    config
        .policies
        .iter()
        .enumerate()
        .flat_map(|(index, policy)| {
            let path = format!("policies.{index}");
            let alone = policy.builtin.as_deref().map(|name| (name, &policy.with));
            let alone = alone.map(|(name, with)| (path.clone(), name, with));
            let together = policy
                .parallel
                .iter()
                .flat_map(|parallel| parallel.of.iter().enumerate());
            let together = together.map(move |(place, reviewer)| {
                let path = format!("{path}.parallel.of.{place}");
                (path, reviewer.builtin.as_str(), &reviewer.with)
            });
            let all = alone.into_iter().chain(together);
            all.filter(|(_, name, _)| asks(name))
                .map(|(path, _, with)| (format!("{path}.with"), with))
        })
}

/// Whether a policy asks a model: then its settings say which upstream, and who pays.
fn asks(name: &str) -> bool {
    luthien::policy::find(name).is_ok_and(|builtin| {
        let schema = builtin.schema();
        let properties = schema.get("properties").and_then(Value::as_object);
        properties.is_some_and(|all| all.contains_key("upstream") && all.contains_key("credential"))
    })
}

fn is_paid_by_caller(with: &Map<String, Value>) -> bool {
    with.get("credential").and_then(Value::as_str) == Some("caller")
}

/// Whether any policy asks this upstream with its own credential.
pub(super) fn pays(config: &Config, upstream: &str) -> bool {
    asking(config).any(|(_, with)| {
        let named = with.get("upstream").and_then(Value::as_str);
        !is_paid_by_caller(with) && named.is_none_or(|named| named == upstream)
    })
}

pub(super) fn check(config: &Config) -> Result<(), ConfigError> {
    for (path, with) in asking(config) {
        let Some(name) = with.get("upstream").and_then(Value::as_str) else {
            continue;
        };
        let path = format!("{path}.upstream");
        let Some(upstream) = config.upstreams.get(name) else {
            let error = ConfigError::new(path, format!("no upstream is named {name:?}"));
            let names = config.upstreams.keys().map(String::as_str);
            return Err(match nearest(name, names) {
                Some(nearest) => error.with_hint(format!("did you mean `{nearest}`?")),
                None => error,
            });
        };
        if upstream.credential.is_none() && !is_paid_by_caller(with) {
            let message = format!("the upstream {name:?} has no credential with which to ask");
            let hint =
                format!("set `upstreams.{name}.credential`, or `credential: caller` beside this");
            return Err(ConfigError::new(path, message).with_hint(hint));
        }
    }
    Ok(())
}
