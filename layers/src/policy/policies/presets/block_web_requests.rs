//! `block-web-requests`: the tools with which an agent reads from the web, or searches it, are refused.
//!
//! ```yaml
//! - use: block-web-requests
//!   with: { tools: ["mcp__crawler__*"], allow: ["mcp__docs__fetch"] }
//! ```
//!
//! They are meant by their names: those of the well-known agents and servers, and `tools`. Searches that the provider makes itself
//! cannot be stopped once they are asked for: so all of these tools are taken out of requests, unless a request could not stand
//! without them. With the feature `guards` commands are looked at as well, by what they do: those that fetch from the web, or
//! send there, are refused. This machine is none of the web; nor are repositories and registries of packages.

use luthien_core::request::LlmRequest;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wildmatch::WildMatch;

use crate::policy::{
    Context, Denial, Policy, PolicyError, RequestVerdict, ToolCall, Verdict, Watches,
    policies::deny_tools::offer,
    registry::{self, BuildError, Builtin},
};

pub(in crate::policy::policies) const BUILTIN: Builtin = Builtin::new::<Settings>(
    "block-web-requests",
    "Refuses the tools with which an agent reads from the web, or searches it.",
    "{ allow: [mcp__docs__fetch] }",
);

/// Which tools, beside those that are known.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// More tools, by patterns of their names: `*` stands for anything, `?` for one character. Letter case is of no account.
    #[serde(default)]
    tools: Vec<String>,
    /// Tools that may be called all the same, by patterns of their names.
    #[serde(default)]
    allow: Vec<String>,
    /// Whether commands are refused that do the same, in a shell or in code.
    #[serde(default = "yes")]
    commands: bool,
}

fn yes() -> bool {
    true
}

/// The tools that are known, by patterns of their names.
const KNOWN: [&str; 14] = [
    "webfetch",
    "websearch",
    "web_fetch*",
    "web_search*",
    "fetch",
    "fetch_url",
    "url_fetch",
    "http_request",
    "browser_*",
    "google_search*",
    "mcp__*fetch*",
    "mcp__*web*search*",
    "mcp__*brave*",
    "mcp__*browser*",
];

impl registry::Settings for Settings {
    type Policy = BlockWebRequests;

    fn policy(self) -> Result<BlockWebRequests, BuildError> {
        let pattern = |text: &str| WildMatch::new_case_insensitive(text);
        let more = self.tools.iter().map(String::as_str);
        Ok(BlockWebRequests {
            tools: KNOWN.into_iter().chain(more).map(pattern).collect(),
            allow: self.allow.iter().map(|text| pattern(text)).collect(),
            commands: self.commands,
        })
    }
}

struct BlockWebRequests {
    tools: Vec<WildMatch>,
    allow: Vec<WildMatch>,
    commands: bool,
}

impl BlockWebRequests {
    fn is_of_the_web(&self, tool: &str) -> bool {
        let is_one = |patterns: &[WildMatch]| patterns.iter().any(|pattern| pattern.matches(tool));
        is_one(&self.tools) && !is_one(&self.allow)
    }

    /// Why a call would reach the web, for the operator; nothing if it would not, as far as one can tell.
    fn reaches_the_web(&self, call: &ToolCall, cx: &Context) -> Option<String> {
        let name = call.name();
        let by_tool = self.is_of_the_web(name);
        let by_tool = by_tool.then(|| format!("the tool {name:?} reads from the web"));
        by_tool.or_else(|| by_command(call, cx).filter(|_| self.commands))
    }
}

/// A command that does the same.
#[cfg(feature = "guards")]
fn by_command(call: &ToolCall, cx: &Context) -> Option<String> {
    use crate::policy::effects::{Act, is_here};
    // What these speak with is no web.
    const OTHERS: &[&str] = &[
        "git", "ssh", "scp", "sftp", "rsync", "docker", "kubectl", "nc",
    ];
    let effect = cx.effects(call).iter().find(|effect| {
        let program = effect
            .evidence
            .split_whitespace()
            .next()
            .unwrap_or_default();
        match &effect.act {
            Act::RunRemote { .. } => true,
            Act::Net { host, .. } => {
                // What tools ask for with an address is told by their names.
                let is_command = !program.contains("://");
                is_command && !OTHERS.contains(&program) && !host.as_deref().is_some_and(is_here)
            }
            _ => false,
        }
    })?;
    Some(format!("{effect}, in {:?}", effect.evidence))
}

#[cfg(not(feature = "guards"))]
fn by_command(_call: &ToolCall, _cx: &Context) -> Option<String> {
    None
}

impl Policy for BlockWebRequests {
    fn watches(&self) -> Watches {
        Watches::TOOL_CALLS | Watches::REQUEST
    }

    async fn on_request(
        &self,
        request: &LlmRequest,
        _cx: &Context,
    ) -> Result<RequestVerdict, PolicyError> {
        let edits = offer::without(request, |name| self.is_of_the_web(name));
        Ok(RequestVerdict::Edit(edits))
    }

    async fn on_tool_call(&self, call: &ToolCall, cx: &Context) -> Result<Verdict, PolicyError> {
        Ok(self
            .reaches_the_web(call, cx)
            .map_or(Verdict::Allow, |why| {
                let denial = Denial::new("web_request", "the web is not read from here")
                    .with_remedy("work with what is there, or ask the person to look it up")
                    .with_detail(why);
                Verdict::Block(denial)
            }))
    }
}
