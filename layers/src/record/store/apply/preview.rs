//! The person's first words, by which a conversation is known again in a list.

use super::super::blocks::{Block, BlockKind};

/// How many characters are shown.
const LENGTH: usize = 200;

/// Whether a request of this purpose holds what a person has said.
pub(super) fn is_of_a_person(purpose: Option<&str>) -> bool {
    matches!(purpose, None | Some("turn"))
}

/// The first words in a message of the user that a person has written.
pub(super) fn of(blocks: &[Block]) -> Option<String> {
    let texts = blocks.iter().filter(|block| block.kind == BlockKind::Text);
    texts
        .filter_map(|block| block.text.as_deref())
        .find_map(words)
}

/// Clients put texts of their own into the user's mouth, between tags: reminders, commands and what they have printed, the
/// place where they run, instructions that lie there. What is behind them may be the person's.
fn words(text: &str) -> Option<String> {
    let mut rest = text.trim();
    while let Some(tag) = injected(rest) {
        let close = format!("</{tag}>");
        let end = rest.find(&close)?;
        rest = rest.get(end + close.len()..)?.trim();
    }
    let is_told = [
        "Caveat: The messages below",
        "# AGENTS.md instructions",
        "# CLAUDE.md",
    ]
    .iter()
    .any(|start| rest.starts_with(start));
    if rest.is_empty() || is_told {
        return None;
    }
    let mut words = String::new();
    for word in rest.split_whitespace() {
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(word);
        if words.len() > LENGTH * 4 {
            break;
        }
    }
    let shown: String = words
        .chars()
        .map(|character| {
            if character.is_control() {
                '\u{FFFD}'
            } else {
                character
            }
        })
        .take(LENGTH)
        .collect();
    Some(if shown.chars().count() < words.chars().count() {
        format!("{}…", shown.trim_end())
    } else {
        shown
    })
}

/// The name of the tag that a text begins with, if clients write one like it: with a hyphen or an underscore in its name, as
/// no HTML has it.
fn injected(text: &str) -> Option<&str> {
    let (tag, _) = text.strip_prefix('<')?.split_once('>')?;
    let name = tag.split_whitespace().next()?;
    let is_name = name.len() <= 60
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        && name.starts_with(|c: char| c.is_ascii_alphabetic());
    let is_known = ["INSTRUCTIONS", "environment", "system", "context"].contains(&name);
    (is_name && (is_known || name.contains(['-', '_']))).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preview_is_what_the_person_has_said() {
        for (text, expected) in [
            ("Fix the\n  parser.", Some("Fix the parser.")),
            ("<system-reminder>\nNever mind.\n</system-reminder>", None),
            (
                "<system-reminder>a</system-reminder>\n<env_context>b</env_context> Go on",
                Some("Go on"),
            ),
            (
                "<command-name>/clear</command-name>\n<command-args></command-args>",
                None,
            ),
            ("<environment_context>\n<cwd>/</cwd>", None),
            ("# AGENTS.md instructions for /home", None),
            ("Caveat: The messages below were generated", None),
            ("<b>Why</b> is this bold?", Some("<b>Why</b> is this bold?")),
            ("  ", None),
        ] {
            assert_eq!(words(text).as_deref(), expected, "{text}");
        }
        let long = words(&"word ".repeat(100)).unwrap();
        assert!(long.ends_with('…') && long.chars().count() <= LENGTH + 1);
    }
}
