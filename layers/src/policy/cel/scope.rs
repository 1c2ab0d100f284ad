//! What an expression sees when it is asked. Each thing is made when it is spoken of first, and once.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use cel::{
    Context as Cel, DeclarationError, ExecutionError, FunctionContext, Value,
    common::{
        types::CelString,
        value::{CowVal, Val},
    },
    context::VariableResolver,
};
use luthien_core::{decision::Exchange, facts::Purpose, request::LlmRequest};
use regex::Regex;

#[cfg(feature = "guards")]
use super::values::effects;
use super::{
    environment,
    names::COUNTER,
    values::{caller, decisions, input, last_asked, map, number, string, tools, val},
};
#[cfg(feature = "guards")]
use crate::policy::effects::Place;
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
    /// Where the call would run.
    #[cfg(feature = "guards")]
    pub(in crate::policy) place: Option<&'a Place>,
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
    /// Whether what the person said is looked at.
    pub(super) asks: bool,
}

/// A value that is made when it is asked for.
#[derive(Default)]
struct Made<'a>(OnceLock<Box<dyn Val + 'a>>);

impl<'a> Made<'a> {
    fn get(&self, make: impl FnOnce() -> Box<dyn Val + 'a>) -> CowVal<'_, 'a> {
        CowVal::Borrowed(self.0.get_or_init(make).as_ref())
    }
}

/// The values of what is spoken of.
pub(in crate::policy) struct Scope<'a> {
    facts: Facts<'a>,
    tool: Made<'a>,
    input: Made<'a>,
    #[cfg(feature = "guards")]
    effects: Made<'a>,
    asked: OnceLock<String>,
    request_tools: Made<'a>,
    decisions: Made<'a>,
    /// Whether something was too large to be looked at.
    too_large: AtomicBool,
}

impl<'a> Scope<'a> {
    pub(in crate::policy) fn new(facts: Facts<'a>) -> Self {
        Self {
            facts,
            tool: Made::default(),
            input: Made::default(),
            #[cfg(feature = "guards")]
            effects: Made::default(),
            asked: OnceLock::new(),
            request_tools: Made::default(),
            decisions: Made::default(),
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
            let asked = if functions.asks {
                self.asked().len()
            } else {
                0
            };
            let step = 1 + (self.length() + asked) / SHARE;
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
        call + self.facts.text.map_or(0, str::len)
    }

    /// The value, unless it is too large.
    fn bounded<'t>(&self, text: &'t str) -> Option<&'t str> {
        let fits = text.len() <= LARGEST;
        self.too_large.fetch_or(!fits, Ordering::Relaxed);
        fits.then_some(text)
    }

    fn asked(&self) -> &str {
        let read = || self.facts.request.map(last_asked).unwrap_or_default();
        self.asked.get_or_init(read)
    }

    /// Whether the call is small enough to be looked at.
    fn is_bounded(&self) -> Option<()> {
        let call = self.facts.call.map_or("", ToolCall::input);
        self.bounded(call).map(|_| ())
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
            ..
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
            "tool" => {
                self.is_bounded()?;
                Some(self.tool.get(|| {
                    map([
                        ("name", string(call.map_or("", ToolCall::name))),
                        ("input", call.map_or(Value::Null, input)),
                    ])
                }))
            }
            "tool.name" => said(call.map(ToolCall::name)),
            "tool.input" => {
                self.is_bounded()?;
                Some(self.input.get(|| val(call.map_or(Value::Null, input))))
            }
            #[cfg(feature = "guards")]
            "effects" => {
                self.is_bounded()?;
                let found = call.zip(self.facts.place);
                Some(self.effects.get(|| {
                    let none = || Value::List(Arc::default());
                    val(found.map_or_else(none, |(call, place)| effects(&call.effects_in(place))))
                }))
            }
            "text" => said(Some(self.bounded(text.unwrap_or_default())?)),
            "request.text" => said(Some(self.bounded(self.asked())?)),
            "request.messages" => {
                let messages = request.map_or(0, |request| request.shape().messages);
                Some(number(u64::try_from(messages).unwrap_or(u64::MAX)))
            }
            "request.tools" => Some(
                self.request_tools
                    .get(|| val(request.map_or_else(|| Value::List(Arc::default()), tools))),
            ),
            "session.denials" => Some(number(past.denials().into())),
            "decisions" => Some(self.decisions.get(|| val(decisions(&past.decisions())))),
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
