//! `deny-tools`: tool calls that do not go out, by the name of the tool and by its arguments.
//!
//! ```yaml
//! - use: deny-tools
//!   system: true
//!   with:
//!     tools: ["mcp__prod__*"]
//!     reason: production is not for agents
//!     remedy: ask the person to run it
//!     offer: remove
//! - use: deny-tools
//!   with:
//!     tools: [Bash, shell, "exec*"]
//!     arguments:
//!       - { path: command, matches: '\bgit\s+push\b.*--force' }
//!       - { path: env.STAGE, glob: "prod*" }
//!       - { matches: '(?i)drop\s+table' }
//! ```
//!
//! In names `*` stands for anything and `?` for one character; letter case counts. A call of such a tool is denied if there
//! are no `arguments`, or if one of them is found. A `path` leads from object to object by dots, into lists by numbers, and
//! by `*` into all that is there; without one, every text in the arguments is looked at. A list of texts, as a command in
//! words, is looked at word by word and joined by spaces. Arguments that are no JSON are looked at as the text that they are,
//! whatever the path.
//!
//! What the agent is told never says which pattern was found: that is for the operator. With `offer: remove`, tools that are
//! denied whatever their arguments are not offered to the model in the first place. But a request that could not stand
//! without them, because no tool would be left or one of them is demanded, offers them all.

mod arguments;
pub(in crate::policy::policies) mod offer;
#[cfg(test)]
mod tests;

use luthien_core::request::LlmRequest;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wildmatch::WildMatch;

use self::arguments::Argument;
use super::sentence;
use crate::policy::{
    Context, Denial, Policy, PolicyError, RequestVerdict, ToolCall, Verdict, Watches,
    registry::{self, BuildError, Builtin},
};

pub(super) const BUILTIN: Builtin = Builtin::new::<Settings>(
    "deny-tools",
    "Denies tool calls by the name of the tool and by its arguments.",
    r#"{ tools: ["mcp__prod__*"], arguments: [{ path: command, matches: '\brm\s+-rf\b' }] }"#,
);

/// Which calls are denied, and what is said then.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// The tools, by patterns of their names: `*` stands for anything, `?` for one character.
    tools: Vec<String>,
    /// What must be found in the arguments, any of these; if there are none, the call is denied whatever they are.
    #[serde(default)]
    arguments: Vec<arguments::Settings>,
    /// Why, in a few words that the agent reads.
    #[serde(default)]
    reason: Option<String>,
    /// What the agent may do instead, in a few words.
    #[serde(default)]
    remedy: Option<String>,
    /// Whether tools that are always denied are offered to the model.
    #[serde(default)]
    offer: Offer,
}

/// What becomes of the definitions of tools that are always denied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Offer {
    /// They go up as they came.
    #[default]
    Keep,
    /// They are taken out of the request.
    Remove,
}

impl registry::Settings for Settings {
    type Policy = DenyTools;

    fn policy(self) -> Result<DenyTools, BuildError> {
        if self.tools.is_empty() {
            return Err(BuildError::new("tools", "it must name at least one tool"));
        }
        let arguments: Result<Vec<_>, _> = self
            .arguments
            .into_iter()
            .enumerate()
            .map(|(place, settings)| settings.compile(place))
            .collect();
        let arguments = arguments?;
        let reason = self.reason.unwrap_or_else(|| {
            let reason = match arguments.as_slice() {
                [] => "this tool is not allowed here",
                _ => "this call is not allowed here",
            };
            reason.to_owned()
        });
        Ok(DenyTools {
            tools: self.tools.iter().map(|name| WildMatch::new(name)).collect(),
            arguments,
            reason: sentence(&reason),
            remedy: self.remedy.as_deref().map(sentence),
            offer: self.offer,
        })
    }
}

struct DenyTools {
    tools: Vec<WildMatch>,
    arguments: Vec<Argument>,
    reason: String,
    remedy: Option<String>,
    offer: Offer,
}

impl DenyTools {
    /// The pattern that means this tool.
    fn denied(&self, name: &str) -> Option<&WildMatch> {
        self.tools.iter().find(|pattern| pattern.matches(name))
    }

    fn denial(&self, detail: String) -> Denial {
        let denial = Denial::new("denied_tool", self.reason.clone()).with_detail(detail);
        match &self.remedy {
            Some(remedy) => denial.with_remedy(remedy.clone()),
            None => denial,
        }
    }
}

impl Policy for DenyTools {
    fn watches(&self) -> Watches {
        if self.offer == Offer::Remove && self.arguments.is_empty() {
            Watches::TOOL_CALLS | Watches::REQUEST
        } else {
            Watches::TOOL_CALLS
        }
    }

    async fn on_request(
        &self,
        request: &LlmRequest,
        _cx: &Context,
    ) -> Result<RequestVerdict, PolicyError> {
        let edits = offer::without(request, |name| self.denied(name).is_some());
        Ok(RequestVerdict::Edit(edits))
    }

    async fn on_tool_call(&self, call: &ToolCall, _cx: &Context) -> Result<Verdict, PolicyError> {
        let Some(tool) = self.denied(call.name()) else {
            return Ok(Verdict::Allow);
        };
        if self.arguments.is_empty() {
            let (name, tool) = (call.name(), tool.to_string());
            let detail = format!("the tool {name:?} is meant by {tool:?}");
            return Ok(Verdict::Block(self.denial(detail)));
        }
        let found = self.arguments.iter().find(|argument| argument.is_in(call));
        Ok(found.map_or(Verdict::Allow, |argument| {
            let (name, tool) = (call.name(), tool.to_string());
            let detail = format!("the tool {name:?} is meant by {tool:?}, and {argument}");
            Verdict::Block(self.denial(detail))
        }))
    }
}
