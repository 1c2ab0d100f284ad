//! Code of other languages: what its calls do, where their arguments are constants.

mod calls;
mod does;
mod parse;
mod tree;
mod values;
mod walks;
mod words;

use std::collections::HashMap;

use self::{
    calls::{BARE, CALLS, Does, is_end_of},
    parse::{arguments, glob, last_call, list, literal, parts},
    values::Code,
};
use crate::policy::effects::{
    Act, Exhaust, Opaque, Write,
    shell::{Data, Shell, State},
};

/// The most calls that are looked at in one piece of code.
const MOST: usize = 256;

/// Carries out code, with something on its standard input and words behind it. The answer is what it writes.
pub(super) fn run(
    shell: &mut Shell<'_>,
    state: &mut State,
    language: &str,
    code: &str,
    stdin: &Data,
    argv: &[String],
) -> Data {
    if tree::knows(language) {
        told(shell, state, language, code);
        return tree::run(shell, state, language, code, stdin, argv);
    }
    let reads = ["STDIN", "stdin"].iter().any(|word| code.contains(word));
    let runs = ["exec(", "eval(", "system("]
        .iter()
        .any(|word| code.contains(word));
    if reads && runs && stdin.is_any() {
        super::interpreters::script(shell, state, language, stdin.clone(), &[]);
    }
    scan(shell, state, language, code);
    Data {
        text: printed(code, language),
        ..Data::hidden()
    }
}

/// What can be told of it without reading it.
fn told(shell: &mut Shell<'_>, state: &State, language: &str, code: &str) {
    super::hosts::code(shell, state, code);
    words::sends(shell, state, code);
    words::losses(shell, code);
    let has = |words: &[&str]| words.iter().any(|word| code.contains(word));
    if has(&["socket", "Socket", "fsockopen"])
        && has(&[
            "dup2(",
            "pty.spawn",
            "/bin/sh",
            "/bin/bash",
            "sh -i",
            "open(STDIN",
        ])
    {
        super::builtins::backdoor(shell, language);
    }
}

/// What the calls in it do.
pub(super) fn scan(shell: &mut Shell<'_>, state: &mut State, language: &str, code: &str) {
    if tree::knows(language) {
        drop(run(shell, state, language, code, &Data::default(), &[]));
        return;
    }
    told(shell, state, language, code);
    let is_remote = [
        "urlopen",
        "('https')",
        "('http')",
        "(\"https\")",
        "get('http",
        "get(\"http",
        "requests.get",
        "fetch(",
        "https.get",
        "http.get",
        "Net::HTTP",
        "URI.open",
        "LWP::",
        "file_get_contents('http",
        "file_get_contents(\"http",
        "httpx.get",
        "urllib",
    ]
    .iter()
    .any(|word| code.contains(word));
    let evaluates = [
        "exec(",
        "eval(",
        "new Function",
        "(eval)",
        "compile(",
        "os.system(",
        "eval ",
        "exec ",
    ]
    .iter()
    .any(|word| code.contains(word));
    if is_remote && evaluates {
        let from = url_in(code).unwrap_or_else(|| "?".to_owned());
        return shell.act(Act::RunRemote { from });
    }
    if language == "osascript" {
        words::script_of_a_mac(shell, code);
    }
    if language == "perl" && code.contains("open") {
        // `open F, ">/x"`: how, and what, in one text.
        for inner in code
            .split(['"', '\''])
            .filter_map(|text| text.strip_prefix('>'))
            .take(8)
        {
            let name = inner.trim_start_matches('>').trim();
            if name.is_empty() {
                continue;
            }
            let path = shell.path(state, name);
            shell.act(Act::Write {
                path,
                how: Write::Replace,
            });
        }
    }
    let forks = [
        "os.fork(",
        "fork()",
        "fork while",
        "{ fork",
        "{fork",
        "fork;",
        "pcntl_fork",
        "Process.fork",
        "cluster.fork",
    ]
    .iter()
    .any(|word| code.contains(word));
    let loops = [
        "while True",
        "while 1",
        "while(1)",
        "while (1)",
        "while(true)",
        "while (true)",
        "for(;;)",
        "loop",
        "fork while",
        "while:",
    ]
    .iter()
    .any(|word| code.contains(word));
    if forks && loops {
        shell.act(Act::Exhaust {
            what: Exhaust::Processes,
        });
    }
    if matches!(language, "expect" | "tclsh") {
        for line in code.split([';', '\n']) {
            let line = line.trim();
            if let Some(code) = line
                .strip_prefix("spawn ")
                .or_else(|| line.strip_prefix("exec "))
            {
                shell.text(state, code, &Data::default());
            }
        }
    }
    let mut reader = Code::default();
    reader.assignments(code);
    // `%x(…)`, backquotes and `qx`: a shell's text among the code.
    if matches!(language, "ruby" | "perl" | "php" | "rscript" | "julia") {
        for open in ["`", "%x(", "%x{", "%x[", "qx(", "qx{", "qx/", "qx`"] {
            let close = match open.chars().last() {
                Some('(') => ')',
                Some('{') => '}',
                Some('[') => ']',
                Some(c) => c,
                None => continue,
            };
            for inner in code
                .split(open)
                .skip(1)
                .step_by(if open == "`" { 2 } else { 1 })
                .take(8)
            {
                let inner = inner.split(close).next().unwrap_or_default();
                shell.text(state, inner, &Data::default());
            }
        }
    }
    if language == "awk" {
        for piece in code.split("\" | getline").chain(code.split("\"|getline")) {
            if let (true, Some((_, command))) = (piece.len() < code.len(), piece.rsplit_once('"')) {
                shell.text(state, command, &Data::default());
            }
        }
        for piece in code.split('|').skip(1) {
            if let Some(text) = literal(piece.trim()).map(|(text, _)| text) {
                let is_shell = super::interpreters::SHELLS.contains(&text.trim());
                if let Some(code) =
                    printed(code.split('|').next().unwrap_or_default(), "awk").filter(|_| is_shell)
                {
                    shell.text(state, &code, &Data::default());
                    continue;
                }
                shell.text(state, &text, &Data::default());
            }
        }
    }
    let aliases = aliases(code);
    let mut count = 0;
    let bytes = code.as_bytes();
    let is_name =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b':' | b'$');
    let mut at = 0;
    while at < bytes.len() && count < MOST {
        let Some(start) = bytes
            .iter()
            .skip(at)
            .position(|byte| is_name(*byte))
            .map(|skip| at + skip)
        else {
            break;
        };
        let length = bytes
            .iter()
            .skip(start)
            .take_while(|byte| is_name(**byte))
            .count();
        at = start + length;
        let name = code.get(start..at).unwrap_or_default().to_lowercase();
        let rest = code.get(at..).unwrap_or_default();
        let after = rest.trim_start_matches('!').trim_start_matches(' ');
        let args = match after.strip_prefix('(') {
            Some(inner) => arguments(inner),
            None if BARE.contains(&name.trim_start_matches("kernel."))
                && (after.starts_with(['"', '\'', '0', '-', '9'])
                    || after.starts_with("qw")
                    || after.starts_with('$') && matches!(&*name, "system" | "exec"))
                && after.len() < rest.len() =>
            {
                after.split([';', '\n']).next().unwrap_or(after)
            }
            None if name == "script" && after.starts_with('"') => after,
            None => {
                // `Path.home().rmtree` and the like have their object before them.
                continue;
            }
        };
        let name = name
            .trim_start_matches("kernel.")
            .trim_start_matches("process.mainmodule.");
        let aliased = aliases.get(name).map(String::as_str);
        let attribute = (name == "getattr")
            .then(|| reader.value(parts(args, ',').get(1)?))
            .flatten();
        let (name, args) = match &attribute {
            // The call stands behind it.
            Some(attribute) => {
                let behind = after.get(1 + args.len()..).unwrap_or_default();
                (
                    attribute.as_str(),
                    behind.strip_prefix(")(").map_or("", arguments),
                )
            }
            None => (aliased.unwrap_or(name), args),
        };
        let call = CALLS.iter().find(|(known, _)| is_end_of(name, known));
        let does = match (call, language, name) {
            (Some((_, does)), ..) => does,
            (None, "python", "call" | "run") if code.contains("from subprocess import") => {
                &Does::Shell
            }
            (None, "julia", "rm") => &Does::Delete { recursive: false },
            (None, "php", name) if name.starts_with('$') => {
                // A function whose name is computed.
                shell.opaque(Opaque::UnknownCode);
                continue;
            }
            (None, ..) if args.contains("shell=True") => &Does::Shell,
            _ => continue,
        };
        // Names of JavaScript that mean a shell there, and code elsewhere.
        let does = match (language, does) {
            ("node" | "nodejs" | "bun" | "deno", Does::Eval)
                if is_end_of(name, "exec") && name != "eval" =>
            {
                Does::Shell
            }
            ("perl" | "ruby" | "php" | "lua" | "osascript", Does::Eval)
                if name.ends_with("exec") =>
            {
                Does::Shell
            }
            ("python" | "pypy" | "ipython", Does::Eval) if name == "re.compile" => continue,
            (_, does) => *does,
        };
        count += 1;
        let receiver = code.get(..start).unwrap_or_default();
        reader.call(shell, state, language, does, args, receiver);
    }
    objects(&reader, shell, state, code);
    walks::walks(shell, state, code);
    if language == "emacs" {
        words::lisp(shell, state, code);
    }
}

/// `Path("x").unlink()`: what is done to an object that is made just before.
fn objects(reader: &Code, shell: &mut Shell<'_>, state: &State, code: &str) {
    for (end, recursive) in [
        (").unlink(", false),
        (").rmdir(", false),
        (").rmtree(", true),
    ] {
        for (at, _) in code.match_indices(end).take(16) {
            let before = code.get(..at).unwrap_or_default();
            let Some(start) = before.rfind("Path(") else {
                continue;
            };
            if let Some(path) = before
                .get(start..)
                .map(|text| format!("{text})"))
                .and_then(|text| reader.value(&text))
            {
                let path = shell.path(state, &path);
                shell.act(Act::Delete { path, recursive });
            }
        }
    }
}

/// `import os as o`, `from os import system as s`: by their new names, in lower case.
fn aliases(code: &str) -> HashMap<String, String> {
    let mut aliases = HashMap::new();
    for (at, _) in code.match_indices(" as ").take(32) {
        let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
        let before = code.get(..at).unwrap_or_default();
        let name = before.rsplit(|c| !is_name(c)).next().unwrap_or_default();
        let alias = code
            .get(at + 4..)
            .unwrap_or_default()
            .split(|c| !is_name(c))
            .next()
            .unwrap_or_default();
        aliases.insert(alias.to_lowercase(), name.to_lowercase());
    }
    aliases
}

/// The host of the first URL in the code.
fn url_in(code: &str) -> Option<String> {
    let at = code.find("http")?;
    super::host(code.get(at..)?.split(['"', '\'', ')', ' ']).next()?)
}

/// What code writes that does nothing but write a constant.
pub(super) fn printed(code: &str, language: &str) -> Option<String> {
    let reader = Code::default();
    for call in [
        "print(",
        "console.log(",
        "process.stdout.write(",
        "puts(",
        "echo(",
        "printf(",
    ] {
        if let Some((_, rest)) = code.split_once(call) {
            return reader.value(arguments(rest));
        }
    }
    let bare = ["print ", "puts ", "echo ", "say "]
        .iter()
        .find_map(|word| code.split_once(word))?;
    let text = bare.1.split([';', '}']).next()?;
    let mut terms = Vec::new();
    let mut rest = text.trim_start();
    // The texts of `awk` stand side by side.
    while language == "awk" && !rest.is_empty() {
        let end = match literal(rest) {
            Some((_, after)) => rest.len() - after.len(),
            None => rest.find([' ', ',']).unwrap_or(rest.len()).max(1),
        };
        let (term, after) = rest.split_at_checked(end)?;
        terms.push(term);
        rest = after.trim_start_matches([' ', ',']);
    }
    if language != "awk" {
        terms.push(text);
    }
    let terms: Option<Vec<_>> = terms
        .into_iter()
        .filter(|term| !term.is_empty())
        .map(|term| reader.value(term))
        .collect();
    terms.map(|terms| terms.concat())
}
