//! Machines that are described in files: what is asked and run while they are made.

use super::{Command, containers, mark_code, met};
use crate::policy::effects::{
    Act, Sends, mark,
    shell::{Data, Shell, State},
};

/// How many files and lines are looked at.
const MOST: usize = 512;

/// What descriptions that the call has written are for, when they are carried out.
pub(super) fn run(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) {
    let is_done = ["apply", "plan", "refresh", "build", "destroy", "console"];
    if !command
        .words
        .iter()
        .any(|word| is_done.contains(&word.as_str()))
    {
        return;
    }
    let folder = command
        .words
        .iter()
        .find_map(|word| word.strip_prefix("-chdir="));
    let folder = shell.path(state, folder.unwrap_or(".")).resolved;
    let is_one = |name: &str| {
        let below = name.strip_prefix(folder.as_str());
        below.is_some_and(|below| below.starts_with('/'))
            && [".tf", ".hcl", ".tofu"]
                .iter()
                .any(|end| name.ends_with(end))
    };
    let texts: Vec<String> = state
        .files
        .iter()
        .filter(|(name, _)| is_one(name))
        .filter_map(|(_, data)| data.text.clone())
        .take(16)
        .collect();
    for line in texts.iter().flat_map(|text| text.lines()).take(MOST) {
        let Some((name, value)) = line.split_once('=') else {
            continue;
        };
        match name.trim() {
            "url" | "endpoint" => met(shell, &filled(value)),
            "command" | "inline" => {
                let code = filled(value);
                shell.text(state, &mark_code(&code), &Data::default());
            }
            "program" => {
                let words: Vec<String> = value
                    .split('"')
                    .skip(1)
                    .step_by(2)
                    .map(str::to_owned)
                    .collect();
                shell.invoke(state, words, Data::default());
            }
            _ => {}
        }
    }
}

/// A text in quotes, with what is joined in it filled in: `"a/${join(".", [1, 2])}"`.
fn filled(value: &str) -> String {
    let value = value.trim();
    let mut out = String::new();
    let mut rest = value
        .trim_start_matches(['"', '[', ' '])
        .trim_end_matches(['"', ']', ' ']);
    while let Some((before, behind)) = rest.split_once("${") {
        out.push_str(before);
        let (inner, after) = behind.split_once('}').unwrap_or((behind, ""));
        out.push_str(&joined(inner).unwrap_or_else(|| mark::SOME.to_string()));
        rest = after;
    }
    out.push_str(rest);
    out
}

/// `join(".", [1, 2])`, `format("%s.%s", 1, 2)`, or a text.
fn joined(code: &str) -> Option<String> {
    let code = code.trim();
    let bare = |text: &str| text.trim().trim_matches('"').to_owned();
    if let Some(inner) = code.strip_prefix("join(") {
        let (between, list) = inner.split_once(",")?;
        let list = list.split_once('[')?.1.split_once(']')?.0;
        let parts: Vec<String> = list.split(',').map(bare).collect();
        return Some(parts.join(&bare(between)));
    }
    if let Some(inner) = code.strip_prefix("format(") {
        let words: Vec<String> = inner.trim_end_matches(')').split(',').map(bare).collect();
        return Some(super::formats::printf(&words));
    }
    let is_text = code.starts_with('"') && code.ends_with('"') && code.len() > 1;
    is_text.then(|| bare(code))
}

/// `docker build`: what a description runs while an image is made, as far as secrets or what is private leave by it.
pub(super) fn image(shell: &mut Shell<'_>, state: &mut State, words: &[String], stdin: &Data) {
    let args = super::Args::of(
        words,
        &[
            "f",
            "file",
            "t",
            "tag",
            "secret",
            "build-arg",
            "target",
            "platform",
            "progress",
            "o",
            "output",
            "label",
            "network",
            "ssh",
            "cache-from",
            "cache-to",
        ],
    );
    let text = match args.value(&["f", "file"]) {
        Some(file) if super::is_stdin(file) => stdin.text.clone(),
        Some(file) => {
            let path = shell.path(state, file).resolved;
            state.files.get(&path).and_then(|data| data.text.clone())
        }
        None if args.operands.iter().any(|word| super::is_stdin(word)) => stdin.text.clone(),
        None => {
            let folder = args.operands.last().copied().unwrap_or(".");
            let path = shell.path(state, &format!("{folder}/Dockerfile")).resolved;
            state.files.get(&path).and_then(|data| data.text.clone())
        }
    };
    let Some(text) = text else {
        return;
    };
    let mut there = State::container(containers::INSIDE);
    for secret in args.values(&["secret"]) {
        let member = |names: &[&str]| {
            let mut members = secret
                .split(',')
                .filter_map(|member| member.split_once('='));
            members.find_map(|(name, value)| names.contains(&name).then_some(value))
        };
        if let (Some(id), Some(from)) = (member(&["id"]), member(&["src", "source"])) {
            let from = shell.path(state, from).resolved;
            there.links.push((format!("/run/secrets/{id}"), from));
        }
    }
    let since = shell.count();
    let lines = text.replace("\\\n", " ");
    for line in lines.lines().map(str::trim).take(MOST) {
        let Some((word, code)) = line.split_once(' ') else {
            continue;
        };
        if word.eq_ignore_ascii_case("run") {
            let mut code = code.trim_start();
            while let Some((option, rest)) = code
                .split_once(' ')
                .filter(|(option, _)| option.starts_with("--"))
            {
                let target = option
                    .split(',')
                    .find_map(|member| member.split_once("target="))
                    .map(|(_, target)| target);
                if let (Some(target), Some(from)) =
                    (target, there.links.get(1).map(|(_, from)| from.clone()))
                {
                    there.links.push((target.to_owned(), from));
                }
                code = rest.trim_start();
            }
            shell.text(&mut there, code, &Data::default());
        }
    }
    shell.keep(since, |act| match act {
        Act::Net { sends, .. } => matches!(sends, Sends::Secrets | Sends::Private),
        Act::Read { path } => !path.is_within(containers::INSIDE),
        _ => false,
    });
}
