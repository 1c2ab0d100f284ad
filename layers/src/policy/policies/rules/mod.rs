//! `rules`: what a policy does, written at run time.
//!
//! ```yaml
//! - use: rules
//!   with:
//!     rules:
//!       - name: no-force-push
//!         on: tool_call
//!         when: tool.name == "Bash" && tool.input.command.matches(r'\bgit\s+push\b.*--force')
//!         do: block
//!         message: "history is not rewritten here, {{user.id}}"
//!         remedy: push without force
//!       - name: reads
//!         on: tool_call
//!         when: tool.name == "Read"
//!         count: reads
//!       - name: many-reads
//!         on: tool_call
//!         when: tool.name == "WebFetch" && session.count("reads") > 100
//!         do: ask
//!         message: "{{tool.input.url}} is asked for after {{session.count('reads')}} files were read"
//! - use: rules
//!   name: house
//!   with: { file: rules.yaml }
//! ```
//!
//! Rules are gone through in their order. `warn`, `flag` and `count` let the next rule have its say; a rule behind a
//! `replace` sees what that has made; the first that refuses has decided. A condition that cannot be evaluated makes the
//! policy fail, unless another rule refuses: so ask for the tool first, or `has(tool.input.command)`.
//!
//! Expressions, those in messages included, are in CEL and are checked when they are loaded, names and patterns and all: see
//! [`When`](crate::policy::When). Beside the variables there, rules have `text` (what the model wrote), `request.text` (what
//! the person said last), `request.messages` (how many), `request.tools` (their names), `session.denials` (calls refused in
//! this conversation), `session.count("name")` (how often rules with `count: name` held in it), and `decisions` (what was
//! decided earlier in it: a list of `policy`, `outcome`, `tool`, `code`).
//!
//! What a message says of an exchange is shortened, and what looks like a secret is masked; what is missing is left out.

mod act;
mod group;
mod rule;
mod template;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use luthien_core::request::LlmRequest;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::{
    group::{Group, Seen, Stop},
    rule::{On, Rule},
};
use crate::policy::{
    Context, Policy, PolicyError, RequestVerdict, Text, ToolCall, Verdict, Watches,
    registry::{self, BuildError, Builtin},
};

pub(super) const BUILTIN: Builtin = Builtin::new::<Settings>(
    "rules",
    "Rules that are written at run time: conditions in CEL, and what is done when they hold.",
    concat!(
        r#"{ rules: [{ name: no-rm, on: tool_call, when: 'tool.name == "Bash" && tool.input.command.contains("rm -rf")', "#,
        r#"do: block, message: "this is not removed here: {{tool.input.command}}" }] }"#
    ),
);

/// Rules, here or in a file.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// The rules, in the order in which they are gone through; at most 256.
    #[serde(default)]
    rules: Vec<rule::Settings>,
    /// A YAML file with a list of rules, or with `rules:` and the list. Read with the configuration, and relative to its
    /// folder.
    #[serde(default)]
    file: Option<String>,
}

/// The most rules of one policy.
const RULES: usize = 256;

impl registry::Settings for Settings {
    type Policy = Rules;

    fn policy(self) -> Result<Rules, BuildError> {
        if self.file.is_some() {
            let message =
                "nobody has read it: whoever builds policies reads the file, and gives its `rules`";
            return Err(BuildError::new("file", message));
        }
        if !(1..=RULES).contains(&self.rules.len()) {
            let message = format!("it must have from 1 to {RULES} rules");
            return Err(BuildError::new("rules", message));
        }
        let counters: BTreeSet<_> = self
            .rules
            .iter()
            .filter_map(|rule| rule.count.clone())
            .collect();
        let mut names = BTreeSet::new();
        let mut rules = Vec::new();
        for (place, settings) in self.rules.into_iter().enumerate() {
            let at = |member: &str| format!("rules[{place}]{member}");
            if !names.insert(settings.name.clone()) {
                let message = format!("there is another rule {:?}", settings.name);
                return Err(BuildError::new(at(".name"), message));
            }
            rules.push(settings.compile(&at, &counters)?);
        }
        Ok(Rules {
            request: Group::of(On::Request, &mut rules),
            call: Group::of(On::ToolCall, &mut rules),
            text: Group::of(On::Text, &mut rules),
        })
    }
}

struct Rules {
    request: Group,
    call: Group,
    text: Group,
}

impl Policy for Rules {
    fn watches(&self) -> Watches {
        let mut watches = Watches::NOTHING;
        for (group, watch) in [
            (&self.request, Watches::REQUEST),
            (&self.call, Watches::TOOL_CALLS),
            (&self.text, Watches::TEXT),
        ] {
            if !group.is_empty() {
                watches = watches | watch;
            }
            if group.any(Rule::changes) {
                watches = watches | Watches::CHANGES;
            }
            if watch != Watches::REQUEST && group.any(Rule::is_about_the_request) {
                watches = watches | Watches::CONVERSATION;
            }
            #[cfg(feature = "guards")]
            if group.any(Rule::is_about_effects) {
                watches = watches | Watches::EFFECTS;
            }
        }
        watches
    }

    async fn on_request(
        &self,
        request: &LlmRequest,
        cx: &Context,
    ) -> Result<RequestVerdict, PolicyError> {
        let mut seen = Seen::default();
        match self
            .request
            .judge(0, None, None, Some(request), cx, &mut seen)
        {
            Some(Stop::Answer(denial) | Stop::Block(denial)) => Ok(RequestVerdict::Answer(denial)),
            Some(Stop::Refuse(denial)) => Ok(RequestVerdict::Refuse(denial)),
            // Rules about requests do nothing else: that was checked when they were loaded.
            Some(_) => Err(PolicyError::new(
                "a request can only be answered or refused",
            )),
            None => seen.failure().map_or(Ok(RequestVerdict::Allow), Err),
        }
    }

    async fn on_tool_call(&self, call: &ToolCall, cx: &Context) -> Result<Verdict, PolicyError> {
        let (mut seen, mut from, mut changed) = (Seen::default(), 0, None);
        loop {
            let call = changed.as_ref().unwrap_or(call);
            match self
                .call
                .judge(from, Some(call), None, cx.request(), cx, &mut seen)
            {
                Some(Stop::Change { content, next }) => {
                    changed = Some(call.with_input(&content));
                    from = next;
                }
                Some(stop) => return stop.into_verdict(),
                None => return seen.into_verdict(changed.map(|call| call.input().to_owned())),
            }
        }
    }

    async fn on_text(&self, text: &Text, cx: &Context) -> Result<Verdict, PolicyError> {
        let (mut seen, mut from, mut changed) = (Seen::default(), 0, None);
        loop {
            let text = changed.as_ref().unwrap_or(&text.text);
            match self
                .text
                .judge(from, None, Some(text), cx.request(), cx, &mut seen)
            {
                Some(Stop::Change { content, next }) => {
                    changed = Some(content);
                    from = next;
                }
                Some(stop) => return stop.into_verdict(),
                None => return seen.into_verdict(changed),
            }
        }
    }
}
