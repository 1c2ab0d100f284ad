//! `all-caps`: what the model writes, IN CAPITAL LETTERS. To see that policies work; thinking and tool calls stay as they
//! are.
//!
//! ```yaml
//! - use: all-caps
//! ```

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::policy::{
    Context, Policy, TextEditor, TextEdits, Watches,
    registry::{self, BuildError, Builtin},
};

pub(super) const BUILTIN: Builtin = Builtin::new::<Settings>(
    "all-caps",
    "Writes what the model writes in capital letters: to see that policies work.",
    "{}",
);

/// None.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {}

impl registry::Settings for Settings {
    type Policy = AllCaps;

    fn policy(self) -> Result<AllCaps, BuildError> {
        Ok(AllCaps)
    }
}

struct AllCaps;

impl Policy for AllCaps {
    fn watches(&self) -> Watches {
        Watches::TEXT_EDITS
    }

    fn text_editor(&self, _cx: &Context) -> Option<Box<dyn TextEditor>> {
        Some(Box::new(Capitals))
    }
}

struct Capitals;

impl TextEditor for Capitals {
    // A capital letter depends on its small one alone.
    fn look_behind(&self) -> usize {
        0
    }

    fn edit(&mut self, text: &str, _last: bool) -> TextEdits {
        let capitals = text.to_uppercase();
        if capitals == text {
            return TextEdits::none(text);
        }
        TextEdits {
            settled: text.len(),
            replacements: vec![(0..text.len(), capitals)],
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::policy::{Outcome, find, testing::Case};

    #[tokio::test]
    async fn what_the_model_writes_is_in_capitals_and_the_rest_as_it_is() {
        let entry = find("all-caps").unwrap().build(&json!({})).unwrap();
        let seen = Case::of([entry])
            .reply_thinking("quiet")
            .reply_text("Straße, ŉ, éa 🌍 ALREADY")
            .reply_tool_call("bash", json!({"command": "ls"}))
            .run()
            .await;
        assert_eq!(seen.text(), "STRASSE, ʼN, ÉA 🌍 ALREADY");
        assert_eq!(seen.thinking(), "quiet");
        assert_eq!(
            seen.tool_calls(),
            [("bash".to_owned(), json!({"command": "ls"}))]
        );
        assert_eq!(seen.outcomes(), [Outcome::Modify]);
    }
}
