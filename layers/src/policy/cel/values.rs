//! What there is, as values of expressions.

use std::{collections::HashMap, sync::Arc};

use cel::{
    Value,
    common::{
        types::{CelInt, CelString},
        value::{CowVal, Val},
    },
};
use luthien_core::{
    facts::Caller,
    request::{Block, Content, LlmRequest, Role},
};
use serde_json::Value as Json;

#[cfg(feature = "guards")]
use crate::policy::effects::Effects;
use crate::policy::{PastDecision, ToolCall};

pub(super) fn caller(caller: Option<&Caller>) -> [(&'static str, Value); 3] {
    let (kind, name) = match caller {
        Some(Caller::Key { name, .. }) => ("key", &**name),
        Some(Caller::Client { .. }) => ("client", ""),
        _ => ("", ""),
    };
    [
        ("id", string(caller.map_or("", Caller::id))),
        ("kind", string(kind)),
        ("name", string(name)),
    ]
}

/// The arguments: an object if they are JSON, else the text that they are.
pub(super) fn input(call: &ToolCall) -> Value {
    call.arguments().map_or_else(|| string(call.input()), value)
}

/// What the person said last. What stands beside the answers of tools is the agent's.
pub(in crate::policy) fn last_asked(request: &LlmRequest) -> String {
    let mut last = String::new();
    for message in request.messages() {
        let is_answer = |block: Block<'_>| matches!(block.content, Content::ToolResult(_));
        if message.role != Role::User || message.blocks().any(is_answer) {
            continue;
        }
        let texts = message.blocks().filter_map(|block| match block.content {
            Content::Text { text } => Some(text.decode()),
            _ => None,
        });
        let texts: Vec<_> = texts.collect();
        if !texts.is_empty() {
            last = texts.join("\n");
        }
    }
    last
}

pub(super) fn tools(request: &LlmRequest) -> Value {
    let names = request.tools().filter_map(|tool| tool.name);
    Value::List(Arc::new(names.map(|name| string(&name.decode())).collect()))
}

pub(super) fn decisions(past: &[PastDecision]) -> Value {
    let each = past.iter().map(|decision| {
        Value::from(HashMap::from([
            ("policy", string(&decision.policy)),
            ("outcome", string(decision.outcome.name())),
            ("tool", string(decision.tool.as_deref().unwrap_or_default())),
            ("code", string(&decision.code)),
        ]))
    });
    Value::List(Arc::new(each.collect()))
}

/// What a call does: each with its `act`, what belongs to that, and its `short` form.
#[cfg(feature = "guards")]
pub(super) fn effects(effects: &Effects) -> Value {
    let each = effects.iter().map(|effect| {
        let mut json = serde_json::to_value(effect).unwrap_or_default();
        if let Json::Object(members) = &mut json {
            members.insert("short".to_owned(), effect.to_string().into());
        }
        value(&json)
    });
    Value::List(Arc::new(each.collect()))
}

pub(super) fn number<'v>(number: u64) -> CowVal<'v, 'v> {
    CowVal::owned(CelInt::from(i64::try_from(number).unwrap_or(i64::MAX)))
}

pub(super) fn string(text: &str) -> Value {
    Value::String(Arc::new(text.to_owned()))
}

pub(super) fn map<'a>(
    members: impl IntoIterator<Item = (&'static str, Value)>,
) -> Box<dyn Val + 'a> {
    let members: HashMap<&str, Value> = members.into_iter().collect();
    val(Value::from(members))
}

pub(super) fn val<'a>(value: Value) -> Box<dyn Val + 'a> {
    // What is made of texts, truth values, numbers and JSON is always a value.
    <Box<dyn Val>>::try_from(value).unwrap_or_else(|_| Box::new(CelString::from("")))
}

fn value(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(truth) => Value::Bool(*truth),
        Json::Number(number) => number
            .as_i64()
            .map(Value::Int)
            .or_else(|| number.as_u64().map(Value::UInt))
            .unwrap_or_else(|| Value::Float(number.as_f64().unwrap_or(f64::NAN))),
        Json::String(text) => string(text),
        Json::Array(elements) => Value::List(Arc::new(elements.iter().map(value).collect())),
        Json::Object(members) => {
            let members: HashMap<String, Value> = members
                .iter()
                .map(|(name, member)| (name.clone(), value(member)))
                .collect();
            Value::from(members)
        }
    }
}
