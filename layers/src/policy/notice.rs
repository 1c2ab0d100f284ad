//! What a person reads, in a terminal or in a chat, when something was refused: what, why, the arguments, what to do next,
//! and by which name to ask about it.

use super::{
    Denial,
    entry::Subject,
    mask::{mask_text, mask_value},
};
use luthien_core::decision::DecisionId;

pub(crate) struct Notice<'a> {
    pub(crate) denial: &'a Denial,
    pub(crate) subject: &'a Subject,
    pub(crate) decision: DecisionId,
    pub(crate) show_arguments: bool,
}

impl Notice<'_> {
    /// In place of what was refused.
    pub(crate) fn blocked(&self) -> String {
        let what = match self.subject {
            Subject::Call(call) => format!("a call of the tool `{}`", call.name()),
            Subject::Text(_) => "what the model wrote".to_owned(),
            Subject::Thinking(_) => "this turn".to_owned(),
        };
        self.render(&format!("Luthien blocked {what}"))
    }

    /// In front of what passes all the same.
    pub(crate) fn warning(&self) -> String {
        let what = match self.subject {
            Subject::Call(call) => format!("the call of the tool `{}` that follows", call.name()),
            Subject::Text(_) => "what the model writes".to_owned(),
            Subject::Thinking(_) => "this turn".to_owned(),
        };
        self.render(&format!("Luthien warns of {what}"))
    }

    fn render(&self, what: &str) -> String {
        let mut notice = format!("{what}: {}.", self.denial.reason);
        if let (true, Subject::Call(call)) = (self.show_arguments, self.subject) {
            let arguments = arguments(call.input());
            if !arguments.is_empty() {
                notice.push_str("\n\n```\n");
                notice.push_str(&arguments);
                notice.push_str("\n```");
            }
        }
        notice.push_str("\n\n");
        if let Some(remedy) = &self.denial.remedy {
            notice.push_str("What to do: ");
            notice.push_str(remedy);
            notice.push_str(".\n");
        }
        notice.push_str("Decision ");
        notice.push_str(&self.decision.to_string());
        notice
    }
}

/// A request that was not sent up, in words that stand in the model's place.
pub(crate) fn request(denial: &Denial, decision: DecisionId) -> String {
    all_of_it("request", denial, decision)
}

/// A `request` or a `reply` that goes no further, since a policy that had to look at it could not.
pub(crate) fn not_made(what: &str, decision: DecisionId) -> String {
    all_of_it(what, &failure(), decision)
}

/// That a policy has failed is no fault of who is refused.
pub(crate) fn failure() -> Denial {
    Denial::new(
        "policy_failed",
        "a check that must pass first could not be made",
    )
    .with_remedy("try again later, or tell the person who runs this sidecar")
}

fn all_of_it(what: &str, denial: &Denial, decision: DecisionId) -> String {
    let mut notice = format!("Luthien blocked this {what}: {}.\n\n", denial.reason);
    if let Some(remedy) = &denial.remedy {
        notice.push_str("What to do: ");
        notice.push_str(remedy);
        notice.push_str(".\n");
    }
    notice.push_str("Decision ");
    notice.push_str(&decision.to_string());
    notice
}

/// In place of a block of which nobody can say what it is.
pub(crate) fn uncovered(decision: DecisionId) -> String {
    format!(
        "Luthien blocked a part of this reply: it is of a kind that no check understands, and everything must be checked here.\n\n\
         Decision {decision}"
    )
}

pub(crate) fn repeated(times: u32) -> String {
    format!(
        "The same call was refused {times} times running, so this attempt ends here. Do not try it again in another form: \
         tell the person what you wanted to do, and wait."
    )
}

pub(crate) fn too_many(times: u32) -> String {
    format!(
        "{times} calls were refused in this conversation, so this attempt ends here. Tell the person what you wanted to do, \
         and wait."
    )
}

/// So many lines of arguments are shown,
const LINES: usize = 12;
/// each of so many characters.
const COLUMNS: usize = 120;

/// The arguments, to be read: pretty, short, and without secrets.
fn arguments(input: &str) -> String {
    let pretty = match serde_json::from_str(input) {
        Ok(mut value) => {
            mask_value(&mut value);
            serde_json::to_string_pretty(&value).unwrap_or_default()
        }
        Err(_) => input.to_owned(),
    };
    // A fence inside would end the one around it.
    let masked = mask_text(&pretty).replace("```", "'''");
    let lines = masked.lines().count();
    let mut shown: Vec<String> = masked.lines().take(LINES).map(shorten).collect();
    if lines > LINES {
        shown.push(format!("… {} more lines", lines - LINES));
    }
    shown.join("\n")
}

pub(crate) fn shorten(line: &str) -> String {
    // Nothing that moves a terminal's cursor.
    let clean = |character: char| {
        if character.is_control() {
            '\u{fffd}'
        } else {
            character
        }
    };
    if line.chars().count() <= COLUMNS {
        return line.chars().map(clean).collect();
    }
    line.chars().take(COLUMNS).map(clean).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_in_arguments_are_masked_by_name_and_by_shape() {
        let shown = arguments(
            r#"{"command":"curl -H 'Authorization: Bearer abcdefghijklmnop' x","apiKey":"k","env":{"DB_PASSWORD":"p"},"n":"sk-abcdefghijkl"}"#,
        );
        for secret in ["abcdefghijklmnop", "\"k\"", "\"p\"", "sk-abc"] {
            assert!(!shown.contains(secret), "{secret} in {shown}");
        }
        assert!(shown.contains("curl"), "{shown}");
    }

    #[test]
    fn long_arguments_are_shortened_and_cannot_leave_their_fence() {
        let long = "x".repeat(1_000);
        assert!(arguments(&format!("{{\"a\":\"{long}\"}}")).len() < 200);
        let many: Vec<_> = (0..100).collect();
        let shown = arguments(&serde_json::to_string(&many).unwrap());
        assert_eq!(shown.lines().count(), LINES + 1);
        assert!(!arguments("a\n```\nb").contains("```"));
        assert!(!arguments("a\u{1b}[2Jb").contains('\u{1b}'));
    }
}
