//! `noop`: does nothing, and sees nothing. What it costs is what the engine costs.
//!
//! ```yaml
//! - use: noop
//! ```

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::policy::{
    Policy, Watches,
    registry::{self, BuildError, Builtin},
};

pub(super) const BUILTIN: Builtin =
    Builtin::new::<Settings>("noop", "Does nothing, and sees nothing.", "{}");

/// None.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {}

impl registry::Settings for Settings {
    type Policy = Noop;

    fn policy(self) -> Result<Noop, BuildError> {
        Ok(Noop)
    }
}

struct Noop;

impl Policy for Noop {
    fn watches(&self) -> Watches {
        Watches::NOTHING
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::policy::{find, testing::Case};

    #[tokio::test]
    async fn nothing_happens() {
        let entry = find("noop").unwrap().build(&Value::Null).unwrap();
        let case = Case::of([entry])
            .reply_text("Hello.")
            .reply_tool_call("f", json!({}));
        let seen = case.run().await;
        assert_eq!(
            (seen.text().as_str(), seen.tool_calls().len()),
            ("Hello.", 1)
        );
        assert!(seen.decisions().is_empty());
    }
}
