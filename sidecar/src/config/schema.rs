//! The JSON Schema of the configuration: what the types say, and what each policy says of its own settings.

use luthien::policy::{Builtin, builtins};
use schemars::{Schema, schema_for};
use serde_json::{Map, Value, json};

use super::Config;

/// The schema that `luthien schema` prints.
pub(crate) fn schema() -> Schema {
    let mut schema = schema_for!(Config);
    if let Some(definitions) = schema.get_mut("$defs").and_then(Value::as_object_mut) {
        for builtin in builtins() {
            define(builtin, definitions);
        }
        for user in ["Policy", "Reviewer"] {
            if let Some(user) = definitions.get_mut(user).and_then(Value::as_object_mut) {
                relate(user);
            }
        }
        if let Some(policy) = definitions.get_mut("Policy").and_then(Value::as_object_mut) {
            let either = json!([{ "required": ["use"] }, { "required": ["parallel"] }]);
            policy.insert("oneOf".to_owned(), either);
        }
    }
    schema
}

/// The name of the definition of a policy's settings.
fn name(builtin: &Builtin) -> String {
    format!("with.{}", builtin.name)
}

/// Puts the settings of a policy among the definitions, and what they are made of.
fn define(builtin: &Builtin, definitions: &mut Map<String, Value>) {
    let mut settings = builtin.schema().to_value();
    let prefix = name(builtin);
    rename(&mut settings, &prefix);
    let Some(object) = settings.as_object_mut() else {
        return;
    };
    object.remove("$schema");
    object.remove("title");
    if let Some(Value::Object(parts)) = object.remove("$defs") {
        let parts = parts.into_iter();
        definitions.extend(parts.map(|(part, schema)| (format!("{prefix}.{part}"), schema)));
    }
    definitions.insert(prefix, settings);
}

/// Makes references among a policy's own definitions references among those of the configuration.
fn rename(schema: &mut Value, prefix: &str) {
    match schema {
        Value::Object(members) => {
            for (member, value) in members {
                let own = value.as_str().and_then(|to| to.strip_prefix("#/$defs/"));
                match own {
                    Some(own) if member == "$ref" => {
                        *value = format!("#/$defs/{prefix}.{own}").into();
                    }
                    _ => rename(value, prefix),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, prefix)),
        _ => {}
    }
}

/// Says which names may stand after `use`, and what then stands under `with`.
fn relate(user: &mut Map<String, Value>) {
    let names: Vec<_> = builtins().iter().map(|builtin| builtin.name).collect();
    let uses = user
        .get_mut("properties")
        .and_then(|all| all.get_mut("use"));
    if let Some(uses) = uses.and_then(Value::as_object_mut) {
        uses.insert("type".to_owned(), "string".into());
        uses.insert("enum".to_owned(), names.into());
    }
    let each = builtins().iter().map(|builtin| {
        let used =
            json!({ "properties": { "use": { "const": builtin.name } }, "required": ["use"] });
        let with = format!("#/$defs/{}", name(builtin));
        let mut then = json!({ "properties": { "with": { "$ref": with } } });
        // Settings without a default have to be there, and so have those around them.
        if builtin.schema().get("required").is_some()
            && let Some(then) = then.as_object_mut()
        {
            then.insert("required".to_owned(), json!(["with"]));
        }
        json!({ "if": used, "then": then })
    });
    user.insert("allOf".to_owned(), each.collect());
}
