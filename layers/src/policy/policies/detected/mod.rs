//! What `secrets` and `personal-data` share: where they look, and what they do about what they find.

mod editor;
mod found;

use std::collections::BTreeMap;

use luthien_core::request::LlmRequest;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::{editor::Editor, found::Counts};
use super::texts::{self, Place};
use crate::policy::{
    Context, Denial, Policy, PolicyError, RequestVerdict, Text, TextEditor, ToolCall, Verdict,
    Watches,
    detect::{Class, Classes, Detector},
    registry::BuildError,
};

/// What is done about what was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Action {
    /// Nobody looks for it.
    Off,
    /// The operator is told its class and how often it stands there, and it passes.
    Flag,
    /// `[redacted:…]` with its class stands in its place.
    Redact,
    /// What it stands in does not pass.
    Block,
}

/// Where it is looked for.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub(super) enum Where {
    /// In what the person and the system say.
    Requests,
    /// In what tools have answered.
    ToolResults,
    /// In what the model writes.
    Replies,
    /// In the arguments of the calls it makes.
    ToolCalls,
}

impl Where {
    pub(super) const ALL: [Self; 4] = [
        Self::Requests,
        Self::ToolResults,
        Self::Replies,
        Self::ToolCalls,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::ToolResults => "tool_results",
            Self::Replies => "replies",
            Self::ToolCalls => "tool_calls",
        }
    }
}

pub(super) fn everywhere() -> Vec<Where> {
    Where::ALL.to_vec()
}

/// What kind of thing a policy is about.
pub(super) struct Kind {
    /// The stable word of its denials.
    pub(super) code: &'static str,
    /// In a sentence: `it holds …`.
    pub(super) what: &'static str,
    pub(super) classes: Classes,
}

/// The policy of either kind.
#[derive(Clone)]
pub(super) struct Detected {
    code: &'static str,
    what: &'static str,
    detector: Detector,
    actions: BTreeMap<Class, Action>,
    places: Vec<Where>,
}

impl Detected {
    pub(super) fn new(
        kind: &Kind,
        action: Action,
        classes: &BTreeMap<Class, Action>,
        places: Vec<Where>,
    ) -> Result<Self, BuildError> {
        if places.is_empty() {
            return Err(BuildError::new("in", "it must name at least one place"));
        }
        if let Some(other) = classes.keys().find(|class| !kind.classes.has(**class)) {
            let message = format!("this policy is not about {other}");
            return Err(BuildError::new(format!("classes.{other}"), message));
        }
        let own = Class::ALL
            .into_iter()
            .filter(|class| kind.classes.has(*class));
        let actions: BTreeMap<_, _> = own
            .map(|class| (class, classes.get(&class).copied().unwrap_or(action)))
            .filter(|(_, action)| *action != Action::Off)
            .collect();
        if actions.is_empty() {
            return Err(BuildError::new("classes", "it must look for something"));
        }
        Ok(Self {
            code: kind.code,
            what: kind.what,
            detector: Detector::new(actions.keys().copied().collect()),
            actions,
            places,
        })
    }

    fn action(&self, class: Class) -> Action {
        self.actions.get(&class).copied().unwrap_or(Action::Off)
    }

    fn does(&self, action: Action) -> bool {
        self.actions.values().any(|other| *other == action)
    }

    fn looks_in(&self, place: Where) -> bool {
        self.places.contains(&place)
    }

    /// Counts what is found in a text; answers it with everything redacted that is to be, if anything is.
    fn look(&self, text: &str, place: Where, counts: &mut Counts) -> Option<String> {
        let findings = self.detector.find(text);
        let mut edited = String::new();
        let mut at = 0;
        for finding in findings {
            counts.add(place, finding.class);
            if self.action(finding.class) == Action::Redact {
                edited.push_str(text.get(at..finding.span.start).unwrap_or_default());
                edited.push_str(&redacted(finding.class));
                at = finding.span.end;
            }
        }
        (at > 0).then(|| {
            edited.push_str(text.get(at..).unwrap_or_default());
            edited
        })
    }

    /// Why something does not pass, if anything in it must not.
    fn denial(&self, counts: &Counts, remedy: &'static str) -> Option<Denial> {
        let blocked = counts
            .classes()
            .filter(|class| self.action(*class) == Action::Block);
        let mut names: Vec<_> = blocked.map(Class::name).collect();
        names.dedup();
        if names.is_empty() {
            return None;
        }
        let reason = format!("it holds {} ({})", self.what, names.join(", "));
        let denial = Denial::new(self.code, reason).with_remedy(remedy);
        Some(denial.with_detail(counts.to_string()))
    }

    fn judge(
        &self,
        counts: &Counts,
        changed: Option<String>,
        cx: &Context,
        remedy: &'static str,
    ) -> Verdict {
        if let Some(denial) = self.denial(counts, remedy) {
            return Verdict::Block(denial);
        }
        counts.tell(self, cx);
        changed.map_or(Verdict::Allow, Verdict::Replace)
    }
}

/// The same for the same class wherever it stands: what a conversation says again is redacted alike, and a provider's cache
/// finds it again.
fn redacted(class: Class) -> String {
    format!("[redacted:{class}]")
}

impl Policy for Detected {
    fn watches(&self) -> Watches {
        let changes = match self.does(Action::Redact) {
            true => Watches::CHANGES,
            false => Watches::NOTHING,
        };
        let watch = |place, watches| match self.looks_in(place) {
            true => watches,
            false => Watches::NOTHING,
        };
        // What may have to be blocked cannot flow.
        let replies = match self.does(Action::Block) {
            true => Watches::TEXT | changes,
            false => Watches::TEXT_EDITS,
        };
        Watches::CONFIDENTIAL
            | watch(Where::Requests, Watches::REQUEST)
            | watch(Where::ToolResults, Watches::REQUEST)
            | watch(Where::Replies, replies)
            | watch(Where::ToolCalls, Watches::TOOL_CALLS | changes)
    }

    async fn on_request(
        &self,
        request: &LlmRequest,
        cx: &Context,
    ) -> Result<RequestVerdict, PolicyError> {
        let mut counts = Counts::default();
        let edits = texts::edit(request, &mut |place, text| {
            let place = match place {
                Place::Told => Where::Requests,
                Place::Result => Where::ToolResults,
                // The model's own words went by here when it said them, and tools are described by whoever made them.
                Place::Said | Place::Call | Place::Offer => return None,
            };
            self.looks_in(place)
                .then(|| self.look(text, place, &mut counts))
                .flatten()
        });
        let remedy = "take it out of the conversation, or begin a new one";
        if let Some(denial) = self.denial(&counts, remedy) {
            return Ok(RequestVerdict::Answer(denial));
        }
        counts.tell_once(self, cx);
        Ok(RequestVerdict::Edit(edits))
    }

    async fn on_tool_call(&self, call: &ToolCall, cx: &Context) -> Result<Verdict, PolicyError> {
        let mut counts = Counts::default();
        let changed = texts::in_arguments(call.input(), &mut |text| {
            self.look(text, Where::ToolCalls, &mut counts)
        });
        let remedy = "refer to it by a name: a variable, a file, an entry of a vault";
        Ok(self.judge(&counts, changed, cx, remedy))
    }

    async fn on_text(&self, text: &Text, cx: &Context) -> Result<Verdict, PolicyError> {
        let mut counts = Counts::default();
        let changed = self.look(&text.text, Where::Replies, &mut counts);
        Ok(self.judge(&counts, changed, cx, "say it without"))
    }

    fn text_editor(&self, cx: &Context) -> Option<Box<dyn TextEditor>> {
        Some(Box::new(Editor::new(self.clone(), cx.clone())))
    }
}
