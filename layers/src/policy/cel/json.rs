use cel::{Value, objects::Key};
use serde_json::{Map, Number, Value as Json};

/// A value as JSON, if it can be.
pub(super) fn json(value: &Value) -> Option<Json> {
    Some(match value {
        Value::Null => Json::Null,
        Value::Bool(truth) => Json::Bool(*truth),
        Value::Int(number) => Json::from(*number),
        Value::UInt(number) => Json::from(*number),
        Value::Float(number) => Json::Number(Number::from_f64(*number)?),
        Value::String(text) => Json::String((**text).clone()),
        Value::List(elements) => elements.iter().map(json).collect::<Option<_>>()?,
        Value::Map(map) => {
            let members = map.map.iter().map(|(key, value)| match key {
                Key::String(name) => Some(((**name).clone(), json(value)?)),
                _ => None,
            });
            Json::Object(members.collect::<Option<Map<_, _>>>()?)
        }
        _ => return None,
    })
}
