//! What an expression sees when it is asked.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use cel::{
    Context, DeclarationError, Env, ExecutionError, FunctionContext, Value,
    common::{types::CelString, value::Val},
};
use luthien_core::{
    decision::Exchange,
    facts::{Caller, Purpose},
};
use regex::Regex;
use serde_json::Value as Json;

use super::check::Found;
use crate::policy::ToolCall;

/// The function that counts steps. Nobody can spell it.
pub(super) const TICK: &str = "@tick";

/// How much all loops of a condition together may do.
const BUDGET: usize = 200_000;
/// A step may look at all the arguments of a call, so it counts by their length: each so many bytes once more.
const SHARE: usize = 4_096;

/// The variables and functions that an expression uses, with their values.
pub(super) fn scope<'a>(
    env: &Arc<Env>,
    found: &Found,
    patterns: &Arc<BTreeMap<String, Regex>>,
    exchange: &'a Exchange,
    call: Option<&'a ToolCall>,
) -> Result<Context<'a, 'a>, DeclarationError> {
    let mut context = Context::with_env(env.clone());
    for name in &found.variables {
        context.add_variable_as_val(*name, variable(name, found.input, exchange, call));
    }
    if !patterns.is_empty() {
        let patterns = patterns.clone();
        context.add_function("matches", move |call: &FunctionContext<'_, '_>| {
            matches(&patterns, call)
        })?;
    }
    if found.loops {
        let length = call.map_or(0, |call| call.input().len());
        let step = 1 + length / SHARE;
        let spent = AtomicUsize::new(0);
        context.add_function(TICK, move || {
            let before = spent.fetch_add(step, Ordering::Relaxed);
            if before > BUDGET {
                let message = "it goes through too much";
                return Err(ExecutionError::function_error("loop", message));
            }
            Ok(true)
        })?;
    }
    Ok(context)
}

fn matches(
    patterns: &BTreeMap<String, Regex>,
    call: &FunctionContext<'_, '_>,
) -> Result<bool, ExecutionError> {
    let (text, pattern) = match (&call.this, call.args.as_slice()) {
        (Some(text), [pattern]) | (None, [text, pattern]) => (text, pattern),
        (_, arguments) => {
            return Err(ExecutionError::invalid_argument_count(1, arguments.len()));
        }
    };
    let pattern = pattern.downcast_ref::<CelString<'_>>();
    let pattern = pattern.and_then(|pattern| patterns.get(pattern.inner()));
    match (text.downcast_ref::<CelString<'_>>(), pattern) {
        (Some(text), Some(pattern)) => Ok(pattern.is_match(text.inner())),
        _ => Err(call.error("only a text can match")),
    }
}

fn variable<'a>(
    name: &str,
    with_input: bool,
    exchange: &'a Exchange,
    call: Option<&'a ToolCall>,
) -> Box<dyn Val + 'a> {
    let text = |text: Option<&'a str>| -> Box<dyn Val + 'a> {
        Box::new(CelString::from(text.unwrap_or_default()))
    };
    match name {
        "model" => text(exchange.model.as_deref()),
        "dialect" => text(Some(exchange.dialect.name())),
        "session" => text(exchange.session.as_ref().map(|session| &*session.0)),
        "path" => text(Some(&exchange.path)),
        // That nobody found out what it is for means that it is treated as a turn.
        "purpose" => text(Some(
            exchange.purpose.as_ref().map_or("turn", Purpose::name),
        )),
        "caller" => map(caller(exchange.caller.as_ref())),
        "user" => {
            let user = exchange.user.as_ref();
            map([
                ("id", string(user.map_or("", |user| &user.id))),
                ("trusted", user.is_some_and(|user| user.trusted).into()),
            ])
        }
        "tool" => {
            let input = call.filter(|_| with_input).map(input);
            map([
                ("name", string(call.map_or("", ToolCall::name))),
                ("input", input.unwrap_or(Value::Null)),
            ])
        }
        _ => text(None),
    }
}

fn caller(caller: Option<&Caller>) -> [(&'static str, Value); 3] {
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
fn input(call: &ToolCall) -> Value {
    call.arguments().map_or_else(|| string(call.input()), value)
}

fn string(text: &str) -> Value {
    Value::String(Arc::new(text.to_owned()))
}

fn map<'a>(members: impl IntoIterator<Item = (&'static str, Value)>) -> Box<dyn Val + 'a> {
    let members: HashMap<&str, Value> = members.into_iter().collect();
    // What is made of texts, truth values and JSON is always a value.
    <Box<dyn Val>>::try_from(Value::from(members)).unwrap_or_else(|_| Box::new(CelString::from("")))
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
