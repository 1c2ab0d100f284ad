use serde::Deserialize;

use crate::trial::{Scenario, Tried};

/// What is to become of an exchange.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Expect {
    verdict: Option<Verdict>,
    policy: Option<String>,
    text_contains: Texts,
    tool_calls: Option<Vec<String>>,
    upstream_contains: Texts,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Allow,
    Modify,
    Block,
}

/// A text, or several.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
enum Texts {
    One(String),
    Several(Vec<String>),
}

impl Default for Texts {
    fn default() -> Self {
        Self::Several(Vec::new())
    }
}

impl Texts {
    fn all(&self) -> &[String] {
        match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::Several(texts) => texts,
        }
    }
}

impl Expect {
    /// Whether it expects nothing: then every exchange would do.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What is otherwise than expected.
    pub(super) fn complaints(&self, scenario: &Scenario, tried: &Tried) -> Vec<String> {
        let mut complaints = Vec::new();
        let mut expect = |what: &str, is: bool, expected: &str, got: String| {
            if !is {
                complaints.push(format!("{what}: expected {expected}, got {got}"));
            }
        };
        if let Some(expected) = self.verdict {
            let got = tried.verdict(scenario).name();
            let expected = format!("{expected:?}").to_lowercase();
            expect("verdict", got == expected, &expected, got.to_owned());
        }
        if let Some(expected) = &self.policy {
            let mut names: Vec<_> = tried.applied().map(|decision| &*decision.policy).collect();
            names.dedup();
            let is = names.contains(&expected.as_str());
            expect("policy", is, expected, list(&names));
        }
        let text = tried.seen.error.as_ref().unwrap_or(&tried.seen.text);
        for expected in self.text_contains.all() {
            let is = text.contains(expected);
            expect("text", is, &format!("{expected:?}"), format!("{text:?}"));
        }
        if let Some(expected) = &self.tool_calls {
            let got: Vec<_> = tried.seen.calls.iter().map(|call| &*call.name).collect();
            expect("tool_calls", got == *expected, &list(expected), list(&got));
        }
        let asked = tried.asked.as_deref().map(String::from_utf8_lossy);
        for expected in self.upstream_contains.all() {
            let is = asked.as_ref().is_some_and(|asked| asked.contains(expected));
            let got = asked
                .as_ref()
                .map_or("nothing".to_owned(), |asked| format!("{asked:?}"));
            expect("upstream", is, &format!("{expected:?}"), got);
        }
        complaints
    }
}

/// `[a, b]`
fn list(names: &[impl AsRef<str>]) -> String {
    let names: Vec<_> = names.iter().map(AsRef::as_ref).collect();
    format!("[{}]", names.join(", "))
}
