//! Which part of a call is a command, which a path: by the shapes that tools have.

use serde_json::{Map, Value};

use super::{Act, Effects, Opaque, PathRef, Place, Sends, Write, mark, patch, programs, shell};
use crate::policy::ToolCall;

/// What tools are called that run commands, in lower case, behind the name of a server.
const SHELLS: &[&str] = &[
    "bash", "shell", "sh", "zsh", "terminal", "console", "exec", "execute", "run", "command",
    "cmd", "ssh", "process",
];
/// Members in which they have the command.
const COMMANDS: &[&str] = &[
    "command",
    "cmd",
    "script",
    "commands",
    "cmds",
    "shell_command",
    "command_line",
    "commandline",
    "bash",
    "code",
    "action",
    "input",
    "args",
    "argv",
    "arguments",
    "content",
    "text",
    "chars",
];
/// Members that say where a command runs.
const FOLDERS: &[&str] = &[
    "cwd",
    "workdir",
    "working_directory",
    "workingDirectory",
    "directory",
    "dir",
];
/// Members that name a file.
const FILES: &[&str] = &[
    "file_path",
    "path",
    "notebook_path",
    "filename",
    "target_file",
    "filePath",
    "file",
    "source",
    "uri",
];

/// Finds out what kind of tool it is, and what it does.
pub(super) fn effects(call: &ToolCall, place: &Place, effects: &mut Effects) {
    let name = short(call.name());
    let Some(arguments) = call.arguments() else {
        return free_text(&name, call.input(), place, effects);
    };
    if let Value::String(text) = arguments {
        return free_text(&name, text, place, effects);
    }
    let empty = Map::new();
    let members = arguments.as_object().unwrap_or(&empty);
    if let Some(patch) = patch::find(arguments) {
        return patch::effects(&mark::cleaned(patch), place, effects);
    }
    if is_shell(&name) {
        return commands(members, arguments, place, effects);
    }
    if let Some(url) = text(members, &["url", "uri"])
        .filter(|url| url.contains("://") && !url.starts_with("file:"))
    {
        let address = programs::Address::of_url(url);
        effects.add(
            Act::Net {
                host: address.host,
                port: address.port,
                path: address.path,
                sends: Sends::Nothing,
            },
            url,
            false,
        );
    }
    files(&name, members, place, effects);
    // Whatever it is called: what has a command, and nothing that else would be one, runs it.
    let has_file = text(members, FILES).is_some();
    if !has_file && (members.contains_key("command") || members.contains_key("cmd")) {
        commands(members, arguments, place, effects);
    }
    if let Some(statement) = text(members, &["sql", "query", "statement"]) {
        programs::sql(&mark::cleaned(statement), effects);
    }
}

/// The last part of the name of a tool, in lower case: `mcp__host__Run-Command` → `run_command`.
fn short(name: &str) -> String {
    let name = name.rsplit("__").next().unwrap_or(name);
    let name = name.rsplit(['.', '/', ':']).next().unwrap_or(name);
    let mut short = String::with_capacity(name.len() + 4);
    let mut before = '_';
    for c in name.chars() {
        if c.is_uppercase() && before.is_lowercase() {
            short.push('_');
        }
        short.extend(if c == '-' { '_' } else { c }.to_lowercase());
        before = c;
    }
    short
}

fn is_shell(name: &str) -> bool {
    name.split('_').any(|part| SHELLS.contains(&part))
        && !name.contains("output")
        && !name.contains("kill")
}

/// A custom tool takes what the model wrote as it is.
fn free_text(name: &str, input: &str, place: &Place, effects: &mut Effects) {
    let input = mark::cleaned(input);
    if patch::is_one(&input) {
        patch::effects(&input, place, effects);
    } else if is_shell(name) {
        shell::run(&input, place, effects);
    }
}

/// Every command that stands in the arguments.
fn commands(members: &Map<String, Value>, arguments: &Value, place: &Place, effects: &mut Effects) {
    let inner = members.get("action").filter(|action| action.is_object());
    if let Some(inner) = inner.and_then(Value::as_object) {
        // The call of a local shell has an action with the command in it.
        return commands(inner, arguments, place, effects);
    }
    let mut place = place.clone();
    if let Some(folder) = text(members, FOLDERS) {
        let folder = mark::cleaned(folder);
        place.cwd = Some(PathRef::new(&folder, &place).resolved)
            .filter(|cwd| cwd.starts_with(['/', '~']))
            .or(place.cwd);
    }
    let before = effects.0.len();
    let mut found = false;
    let program = text(members, &["command", "cmd", "program", "executable"]);
    let args = ["args", "arguments", "argv"]
        .iter()
        .find_map(|name| members.get(*name))
        .and_then(Value::as_array);
    if let (Some(program), Some(args)) = (program, args) {
        let words: Vec<String> = args
            .iter()
            .filter_map(Value::as_str)
            .map(|word| mark::cleaned(word).into_owned())
            .collect();
        if words.len() == args.len() {
            let mut argv = vec![mark::cleaned(program).into_owned()];
            argv.extend(words);
            // A line with words of its own is no program's name.
            if program.contains(char::is_whitespace) {
                shell::run(&argv.join(" "), &place, effects);
            } else {
                shell::run_argv(&argv, &place, effects);
            }
            return;
        }
    }
    for value in COMMANDS.iter().filter_map(|name| members.get(*name)) {
        found |= command(value, &place, effects);
    }
    if !found && effects.0.len() == before && !members.is_empty() && !has_number_only(members) {
        effects.add(
            Act::Opaque {
                why: Opaque::UnknownShape,
            },
            &arguments.to_string(),
            false,
        );
    }
}

/// Questions to a shell that runs already: `{"session_id": 1, "timeout": 5}`.
fn has_number_only(members: &Map<String, Value>) -> bool {
    members
        .values()
        .all(|value| !value.is_string() && !value.is_array() && !value.is_object())
        || members.keys().any(|name| {
            matches!(
                name.as_str(),
                "bash_id" | "session_id" | "shell_id" | "restart"
            )
        })
}

/// A text, a list of words, or a list of commands.
fn command(value: &Value, place: &Place, effects: &mut Effects) -> bool {
    match value {
        Value::String(text) => {
            shell::run(&mark::cleaned(text), place, effects);
            true
        }
        Value::Array(items) => {
            let words: Vec<String> = items
                .iter()
                .filter_map(Value::as_str)
                .map(|word| mark::cleaned(word).into_owned())
                .collect();
            if words.len() != items.len() {
                let mut found = false;
                for item in items {
                    found |= match item.as_object() {
                        Some(members) => COMMANDS
                            .iter()
                            .filter_map(|name| members.get(*name))
                            .any(|value| command(value, place, effects)),
                        None => command(item, place, effects),
                    };
                }
                return found;
            }
            // Lines, or the words of one command.
            let are_lines = words
                .first()
                .is_some_and(|first| first.trim().contains(char::is_whitespace));
            if are_lines {
                shell::run(&words.join("\n"), place, effects);
            } else {
                shell::run_argv(&words, place, effects);
            }
            !words.is_empty()
        }
        _ => false,
    }
}

/// What file tools do, by their names.
fn files(name: &str, members: &Map<String, Value>, place: &Place, effects: &mut Effects) {
    let has = |words: &[&str]| name.split('_').any(|part| words.contains(&part));
    let path = |name: &str| {
        let text = members.get(name)?.as_str()?;
        Some((PathRef::new(&mark::cleaned(text), place), text))
    };
    if has(&["move", "rename", "mv", "copy", "cp"]) {
        let from = ["source", "from", "old_path", "src", "path"]
            .iter()
            .find_map(|name| path(name));
        let to = ["destination", "to", "new_path", "dst", "dest", "target"]
            .iter()
            .find_map(|name| path(name));
        if let (Some((from, text)), Some((to, _))) = (from, to) {
            let act = if has(&["copy", "cp"]) {
                Act::Copy { from, to }
            } else {
                Act::Move { from, to }
            };
            effects.add(act, text, false);
        }
        return;
    }
    let paths = FILES.iter().filter_map(|name| path(name)).chain(
        ["paths", "files"]
            .iter()
            .filter_map(|name| members.get(*name)?.as_array())
            .flatten()
            .filter_map(|item| {
                let text = item.as_str().or_else(|| item.get("path")?.as_str())?;
                Some((PathRef::new(&mark::cleaned(text), place), text))
            }),
    );
    for (path, text) in paths {
        let act = if has(&["delete", "remove", "rm", "unlink", "rmdir", "trash"]) {
            Act::Delete {
                path,
                recursive: true,
            }
        } else if has(&["append"]) {
            Act::Write {
                path,
                how: Write::Append,
            }
        } else if has(&[
            "edit",
            "multiedit",
            "replace",
            "insert",
            "patch",
            "update",
            "str",
        ]) {
            Act::Write {
                path,
                how: Write::Edit,
            }
        } else if has(&["write", "create", "save", "put"]) {
            Act::Write {
                path,
                how: Write::Replace,
            }
        } else if has(&["read", "view", "cat", "open", "get", "head"]) {
            Act::Read { path }
        } else {
            continue;
        };
        effects.add(act, text, false);
    }
}

fn text<'a>(members: &'a Map<String, Value>, names: &[&str]) -> Option<&'a str> {
    names.iter().find_map(|name| members.get(*name)?.as_str())
}
