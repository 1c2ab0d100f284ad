//! `prefer-uv`: `uv pip install x` in place of `pip install x`, in the shell commands that the model writes down, and in
//! those that it calls for (with the feature `guards`, which reads shells). In text, nothing is changed outside of blocks of
//! shell commands.
//!
//! ```yaml
//! - use: prefer-uv
//! ```
//!
//! Meant are `pip`, `pip3` and `python -m pip` where a command begins, with what uv knows as well: `install`, `uninstall`,
//! `freeze`, `list`, `show`, `check`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    editor::{Before, Editor, Rule, Step},
    phrase::{Begins, Behind, literal},
};
use crate::policy::{
    Context, Policy, TextEditor, Watches,
    registry::{self, BuildError, Builtin},
};
#[cfg(feature = "guards")]
use crate::policy::{PolicyError, ToolCall, Verdict};

pub(in crate::policy::policies) const BUILTIN: Builtin = Builtin::new::<Settings>(
    "prefer-uv",
    "Puts uv in place of pip, in the shell commands that the model writes down and calls for.",
    "{}",
);

/// None.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {}

impl registry::Settings for Settings {
    type Policy = PreferUv;

    fn policy(self) -> Result<PreferUv, BuildError> {
        Ok(PreferUv)
    }
}

struct PreferUv;

impl Policy for PreferUv {
    fn watches(&self) -> Watches {
        match cfg!(feature = "guards") {
            true => Watches::TEXT_EDITS | Watches::TOOL_CALLS,
            false => Watches::TEXT_EDITS,
        }
    }

    #[cfg(feature = "guards")]
    async fn on_tool_call(&self, call: &ToolCall, _cx: &Context) -> Result<Verdict, PolicyError> {
        Ok(super::uv_calls::with_uv(call).map_or(Verdict::Allow, Verdict::Replace))
    }

    fn text_editor(&self, _cx: &Context) -> Option<Box<dyn TextEditor>> {
        Some(Box::new(Editor::new(Commands)))
    }
}

pub(super) struct Commands;

/// What separates commands in a line.
const SEPARATORS: [char; 3] = ['&', '|', ';'];
/// The most white space, and signs, in front of a command.
const FRONT: usize = 32;
/// The longest of what is looked for behind them.
const COMMAND: usize = 64;
const PIPS: [&str; 5] = [
    "pip3 ",
    "pip ",
    "python3 -m pip ",
    "python -m pip ",
    "py -m pip ",
];
const KNOWN: [&str; 8] = [
    "install ",
    "install\n",
    "install\t",
    "uninstall ",
    "freeze",
    "list",
    "show ",
    "check",
];

impl Rule for Commands {
    fn look_behind(&self) -> usize {
        FRONT + COMMAND
    }

    fn next(&self, before: &Before, rest: &str, last: bool) -> Step {
        let begins = matches!(before.last, None | Some('\n')) || rest.starts_with(SEPARATORS);
        if !before.markdown.is_shell() || !begins {
            return Step::Keep(command(rest));
        }
        let is_front = |c: char| matches!(c, ' ' | '\t' | '$' | '%') || SEPARATORS.contains(&c);
        let pip = rest.trim_start_matches(is_front);
        let front = rest.len() - pip.len();
        if front > FRONT {
            return Step::Keep(rest.floor_char_boundary(FRONT));
        }
        let behind = if last { Behind::Nothing } else { Behind::Open };
        let (pip, sudo) = match literal("sudo ", pip, behind) {
            Begins::Maybe => return Step::Wait,
            Begins::Yes(sudo) => (pip.get(sudo..).unwrap_or_default(), sudo),
            Begins::No => (pip, 0),
        };
        let length = match first(&PIPS, pip, behind) {
            Begins::Maybe => return Step::Wait,
            Begins::No => return Step::Keep(front + sudo + command(pip)),
            Begins::Yes(length) => length,
        };
        match first(&KNOWN, pip.get(length..).unwrap_or_default(), behind) {
            Begins::Maybe => Step::Wait,
            Begins::No => Step::Keep(front + sudo + length),
            Begins::Yes(_) => {
                let front = rest.get(..front + sudo).unwrap_or_default();
                Step::Put(front.len() + length, format!("{front}uv pip "))
            }
        }
    }
}

fn first(known: &[&str], text: &str, behind: Behind) -> Begins {
    let mut begins = known.iter().map(|one| literal(one, text, behind));
    let found = begins.find(|begins| *begins != Begins::No);
    found.unwrap_or(Begins::No)
}

/// Up to where the next command may begin; at least a character.
fn command(text: &str) -> usize {
    let mut chars = text.char_indices();
    match chars.next() {
        Some((_, '\n')) => 1,
        _ => {
            let end = chars.find(|(_, c)| *c == '\n' || SEPARATORS.contains(c));
            end.map_or(text.len(), |(at, c)| at + usize::from(c == '\n'))
        }
    }
}
