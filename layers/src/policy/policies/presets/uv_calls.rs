//! Calls that run `pip`, with `uv pip` in its place.

use serde_json::Value;

use crate::policy::{ToolCall, effects::shell_commands};

/// Members in which a call has a command.
const COMMANDS: [&str; 3] = ["command", "cmd", "script"];
const PYTHONS: [&str; 3] = ["python", "python3", "py"];
/// What uv knows as well.
const KNOWN: [&str; 6] = ["install", "uninstall", "freeze", "list", "show", "check"];

/// The arguments of the call with uv, if it runs pip.
pub(super) fn with_uv(call: &ToolCall) -> Option<String> {
    let arguments = call.arguments()?;
    let mut changed = arguments.clone();
    let members = changed.as_object_mut()?;
    let command = COMMANDS.iter().find(|name| members.contains_key(**name))?;
    let command = members.get_mut(*command)?;
    let before = command.to_string();
    match command {
        Value::String(line) => *line = in_line(line)?,
        Value::Array(words) => in_words(words)?,
        _ => return None,
    }
    // All else stays as it was written.
    let after = command.to_string();
    let written = call.input().matches(&before).count() == 1;
    Some(match written {
        true => call.input().replacen(&before, &after, 1),
        false => changed.to_string(),
    })
}

/// A line for a shell.
fn in_line(line: &str) -> Option<String> {
    let mut out = String::with_capacity(line.len() + 8);
    let mut end = 0;
    for words in shell_commands(line) {
        let skipped = usize::from(words.first().is_some_and(|(_, word)| word == "sudo"));
        let words = words.get(skipped..).unwrap_or_default();
        let texts: Vec<&str> = words.iter().map(|(_, word)| word.as_str()).collect();
        let Some(length) = pip(&texts) else {
            continue;
        };
        let (Some((first, _)), Some((last, _))) = (words.first(), words.get(length - 1)) else {
            continue;
        };
        out.push_str(line.get(end..first.start)?);
        out.push_str("uv pip");
        end = last.end;
    }
    out.push_str(line.get(end..)?);
    (end > 0).then_some(out)
}

/// Words: of a program, or of a shell with a line behind `-c`.
fn in_words(words: &mut Vec<Value>) -> Option<()> {
    let texts: Option<Vec<&str>> = words.iter().map(Value::as_str).collect();
    let texts = texts?;
    if let Some(length) = pip(&texts) {
        let uv = ["uv", "pip"].map(|word| Value::String(word.to_owned()));
        words.splice(..length, uv);
        return Some(());
    }
    let is_shell = texts
        .get(1)
        .is_some_and(|word| word.starts_with('-') && word.ends_with('c'));
    match words.get_mut(2).filter(|_| is_shell)? {
        Value::String(line) => *line = in_line(line)?,
        _ => return None,
    }
    Some(())
}

/// How many words `pip` is, where a command begins with it and uv knows what follows.
fn pip(words: &[&str]) -> Option<usize> {
    let length = match words {
        ["pip" | "pip3", ..] => 1,
        [python, "-m", "pip", ..] if PYTHONS.contains(python) => 3,
        _ => return None,
    };
    words
        .get(length)
        .is_some_and(|word| KNOWN.contains(word))
        .then_some(length)
}
