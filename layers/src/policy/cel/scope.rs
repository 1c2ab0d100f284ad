//! What an expression sees when it is asked. Each thing is made when it is spoken of first, and once.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use cel::{
    Context as Cel, DeclarationError, ExecutionError, FunctionContext, Value,
    common::{
        types::{CelInt, CelString},
        value::{CowVal, Val},
    },
    context::VariableResolver,
};
use luthien_core::{
    decision::Exchange,
    facts::{Caller, Purpose},
    json::JsonStr,
    request::{Content, LlmRequest, Role},
};
use regex::Regex;
use serde_json::Value as Json;

use super::{environment, names::COUNTER};
use crate::policy::{PastDecision, ToolCall};

/// The function that counts steps. Nobody can spell it.
pub(super) const TICK: &str = "@tick";

/// How much all loops together may do that are asked about one thing.
const BUDGET: usize = 200_000;
/// A step may look at all there is, so it counts by its length: each so many bytes once more.
const SHARE: usize = 4_096;
/// The most bytes of anything that is looked at.
pub(super) const LARGEST: usize = 4 << 20;

/// What expressions are asked about.
#[derive(Clone, Copy)]
pub(in crate::policy) struct Facts<'a> {
    pub(in crate::policy) exchange: &'a Exchange,
    pub(in crate::policy) call: Option<&'a ToolCall>,
    pub(in crate::policy) text: Option<&'a str>,
    pub(in crate::policy) request: Option<&'a LlmRequest>,
    pub(in crate::policy) past: &'a dyn Past,
}

/// What happened earlier in the conversation.
pub(in crate::policy) trait Past: Send + Sync {
    /// How many calls were refused.
    fn denials(&self) -> u32;

    /// How far a counter is.
    fn count(&self, counter: &str) -> u64;

    /// What was decided, apart from letting pass.
    fn decisions(&self) -> Vec<PastDecision>;
}

/// There is none.
impl Past for () {
    fn denials(&self) -> u32 {
        0
    }

    fn count(&self, _: &str) -> u64 {
        0
    }

    fn decisions(&self) -> Vec<PastDecision> {
        Vec::new()
    }
}

/// The functions that expressions use beside those that all have.
#[derive(Clone, Default)]
pub(in crate::policy) struct Functions {
    pub(super) patterns: Arc<BTreeMap<String, Regex>>,
    pub(super) loops: bool,
}

/// The values of what is spoken of.
pub(in crate::policy) struct Scope<'a> {
    facts: Facts<'a>,
    tool: OnceLock<Box<dyn Val + 'a>>,
    input: OnceLock<Box<dyn Val + 'a>>,
    request_text: OnceLock<Box<dyn Val + 'a>>,
    /// Whether something was too large to be looked at.
    too_large: AtomicBool,
}

impl<'a> Scope<'a> {
    pub(in crate::policy) fn new(facts: Facts<'a>) -> Self {
        Self {
            facts,
            tool: OnceLock::new(),
            input: OnceLock::new(),
            request_text: OnceLock::new(),
            too_large: AtomicBool::new(false),
        }
    }

    /// In which expressions that use these functions can be asked. All of them together may do so much and no more.
    pub(in crate::policy) fn context(
        &self,
        functions: &Functions,
    ) -> Result<Cel<'_, '_>, DeclarationError> {
        let mut context = Cel::with_env(environment().clone());
        context.set_variable_resolver(self);
        if !functions.patterns.is_empty() {
            let patterns = functions.patterns.clone();
            context.add_function("matches", move |call: &FunctionContext<'_, '_>| {
                matches(&patterns, call)
            })?;
        }
        if functions.loops {
            let step = 1 + self.length() / SHARE;
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

    /// Whether something was too large to be looked at.
    pub(super) fn was_too_large(&self) -> bool {
        self.too_large.load(Ordering::Relaxed)
    }

    /// How long what is judged is.
    fn length(&self) -> usize {
        let call = self.facts.call.map_or(0, |call| call.input().len());
        let request = self
            .facts
            .request
            .map_or(0, |request| request.bytes().len());
        call + self.facts.text.map_or(0, str::len) + request.min(LARGEST)
    }

    /// The value, unless it is too large.
    fn bounded(&self, text: &'a str) -> Option<&'a str> {
        let fits = text.len() <= LARGEST;
        self.too_large.fetch_or(!fits, Ordering::Relaxed);
        fits.then_some(text)
    }

    fn tool(&self) -> Option<&(dyn Val + 'a)> {
        if let Some(call) = self.facts.call {
            self.bounded(call.input())?;
        }
        let made = self.tool.get_or_init(|| {
            let call = self.facts.call;
            map([
                ("name", string(call.map_or("", ToolCall::name))),
                ("input", call.map_or(Value::Null, input)),
            ])
        });
        Some(made.as_ref())
    }

    fn input(&self) -> Option<&(dyn Val + 'a)> {
        let Some(call) = self.facts.call else {
            return self.tool();
        };
        self.bounded(call.input())?;
        Some(self.input.get_or_init(|| val(input(call))).as_ref())
    }

    fn request_text(&self) -> Option<&(dyn Val + 'a)> {
        let made = self.request_text.get_or_init(|| {
            let text = self.facts.request.map(last_asked).unwrap_or_default();
            val(Value::String(Arc::new(text)))
        });
        Some(made.as_ref())
    }
}

impl VariableResolver for Scope<'_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        let Facts {
            exchange,
            call,
            text,
            request,
            past,
        } = self.facts;
        let said =
            |text: Option<&'b str>| Some(CowVal::owned(CelString::from(text.unwrap_or_default())));
        match variable {
            "model" => said(exchange.model.as_deref()),
            "dialect" => said(Some(exchange.dialect.name())),
            "session" => said(exchange.session.as_ref().map(|session| &*session.0)),
            "path" => said(Some(&exchange.path)),
            // That nobody found out what it is for means that it is treated as a turn.
            "purpose" => said(Some(
                exchange.purpose.as_ref().map_or("turn", Purpose::name),
            )),
            "caller" => Some(CowVal::Owned(map(caller(exchange.caller.as_ref())))),
            "user" => {
                let user = exchange.user.as_ref();
                Some(CowVal::Owned(map([
                    ("id", string(user.map_or("", |user| &user.id))),
                    ("trusted", user.is_some_and(|user| user.trusted).into()),
                ])))
            }
            "tool" => self.tool().map(CowVal::Borrowed),
            "tool.name" => said(call.map(ToolCall::name)),
            "tool.input" if call.is_some() => self.input().map(CowVal::Borrowed),
            "text" => said(Some(self.bounded(text.unwrap_or_default())?)),
            "request.text" => self.request_text().map(CowVal::Borrowed),
            "request.messages" => {
                let messages = request.map_or(0, |request| request.shape().messages);
                Some(number(u64::try_from(messages).unwrap_or(u64::MAX)))
            }
            "request.tools" => Some(CowVal::Owned(val(
                request.map_or_else(|| Value::List(Arc::default()), tools)
            ))),
            "session.denials" => Some(number(past.denials().into())),
            "decisions" => Some(CowVal::Owned(val(decisions(&past.decisions())))),
            counter => Some(number(past.count(counter.strip_prefix(COUNTER)?))),
        }
    }
}

impl fmt::Debug for Scope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").finish_non_exhaustive()
    }
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

/// What the person said last; in the middle of a turn the last that was said at all may be the answer of a tool.
pub(in crate::policy) fn last_asked(request: &LlmRequest) -> String {
    let mut last = String::new();
    for message in request.messages() {
        if message.role != Role::User {
            continue;
        }
        let texts: Vec<_> = message
            .blocks()
            .filter_map(|block| match block.content {
                Content::Text { text } => Some(text),
                _ => None,
            })
            .collect();
        if !texts.is_empty() {
            let texts: Vec<_> = texts.iter().map(JsonStr::decode).collect();
            last = texts.join("\n");
        }
    }
    last
}

fn tools(request: &LlmRequest) -> Value {
    let names = request.tools().filter_map(|tool| tool.name);
    Value::List(Arc::new(names.map(|name| string(&name.decode())).collect()))
}

fn decisions(past: &[PastDecision]) -> Value {
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

fn number<'v>(number: u64) -> CowVal<'v, 'v> {
    CowVal::owned(CelInt::from(i64::try_from(number).unwrap_or(i64::MAX)))
}

fn string(text: &str) -> Value {
    Value::String(Arc::new(text.to_owned()))
}

fn map<'a>(members: impl IntoIterator<Item = (&'static str, Value)>) -> Box<dyn Val + 'a> {
    let members: HashMap<&str, Value> = members.into_iter().collect();
    val(Value::from(members))
}

fn val<'a>(value: Value) -> Box<dyn Val + 'a> {
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
