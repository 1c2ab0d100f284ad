//! Code in a language that has no grammar here: what its calls do is told by their names.

mod calls;
mod does;
mod parse;
mod systems;
mod values;

use self::{
    calls::{BARE, CALLS, Does},
    parse::{arguments, last_call, list, literal, parts},
    values::Code,
};
use super::{
    super::{hosts, interpreters::script},
    is_end_of,
    told::{losses, url_in},
};
use crate::policy::effects::{
    Act, Exhaust,
    shell::{Data, Shell, State},
};

/// The most calls that are looked at in one piece of code.
const MOST: usize = 256;

pub(super) fn run(shell: &mut Shell<'_>, state: &mut State, code: &super::Source<'_>) -> Data {
    let super::Source {
        language,
        text,
        stdin,
        ..
    } = code;
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if has(&["STDIN", "stdin"]) && has(&["exec(", "eval(", "system("]) && stdin.is_any() {
        script(shell, state, language, (*stdin).clone(), &[]);
    }
    hosts::code(shell, state, text);
    losses(shell, text);
    scan(shell, state, language, text);
    Data {
        text: printed(text),
        ..Data::hidden()
    }
}

/// What the calls in it do.
fn scan(shell: &mut Shell<'_>, state: &mut State, language: &str, code: &str) {
    if is_remote(code) {
        let from = url_in(code).unwrap_or_else(|| "?".to_owned());
        return shell.act(Act::RunRemote { from });
    }
    if forks(code) {
        shell.act(Act::Exhaust {
            what: Exhaust::Processes,
        });
    }
    match language {
        "osascript" => systems::script_of_a_mac(shell, code),
        "expect" | "tclsh" => systems::spawned(shell, state, code),
        "rscript" | "julia" => systems::backquoted(shell, state, code),
        "emacs" | "sbcl" | "guile" | "racket" | "clojure" => systems::lisp(shell, state, code),
        _ => {}
    }
    let mut reader = Code::default();
    reader.assignments(code);
    calls(&reader, shell, state, language, code);
}

/// Each call by its name, with what stands in its parentheses.
fn calls(reader: &Code, shell: &mut Shell<'_>, state: &mut State, language: &str, code: &str) {
    let bytes = code.as_bytes();
    let is_name =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b':' | b'$');
    let (mut at, mut count) = (0, 0);
    while count < MOST {
        let Some(skip) = bytes.iter().skip(at).position(is_name) else {
            break;
        };
        let start = at + skip;
        at = start
            + bytes
                .iter()
                .skip(start)
                .take_while(|byte| is_name(byte))
                .count();
        let name = code.get(start..at).unwrap_or_default().to_lowercase();
        let rest = code.get(at..).unwrap_or_default();
        let after = rest.trim_start_matches('!').trim_start_matches(' ');
        let is_bare = BARE.iter().any(|bare| is_end_of(&name, bare))
            && after.starts_with(['"', '\''])
            && after.len() < rest.len();
        let args = match after.strip_prefix('(') {
            Some(inner) => arguments(inner),
            None if is_bare && name == "script" => after,
            None if is_bare => after.split([';', '\n']).next().unwrap_or(after),
            None => continue,
        };
        let found = CALLS.iter().find(|(known, _)| is_end_of(&name, known));
        let does = match (found, language, name.as_str()) {
            (None, "julia", "rm") => Does::Delete { recursive: false },
            (None, ..) => continue,
            (Some((_, Does::Eval)), "lua" | "osascript", name) if name.ends_with("exec") => {
                Does::Shell
            }
            (Some((_, does)), ..) => *does,
        };
        count += 1;
        reader.call(shell, state, language, does, args);
    }
}

/// Whether it runs what it has fetched.
fn is_remote(code: &str) -> bool {
    let has = |words: &[&str]| words.iter().any(|word| code.contains(word));
    has(&[
        "get('http",
        "get(\"http",
        "urlopen",
        "fetch(",
        "http.get",
        "http.request",
    ]) && has(&[
        "exec(",
        "eval(",
        "load(",
        "loadstring(",
        "source(",
        "eval ",
        "include(",
    ])
}

fn forks(code: &str) -> bool {
    let has = |words: &[&str]| words.iter().any(|word| code.contains(word));
    has(&["fork()", "{ fork", "{fork", "fork;"])
        && has(&[
            "while True",
            "while 1",
            "while(1)",
            "while (1)",
            "while true",
            "while(true)",
            "while (true)",
            "for(;;)",
            "loop",
        ])
}

/// What code writes that does nothing but write a constant.
fn printed(code: &str) -> Option<String> {
    let reader = Code::default();
    for call in ["print(", "puts(", "printf("] {
        if let Some((_, rest)) = code.split_once(call) {
            return reader.value(arguments(rest));
        }
    }
    let bare = ["print ", "puts ", "echo ", "say "]
        .iter()
        .find_map(|word| code.split_once(word))?;
    let text = bare.1.split([';', '}']).next()?;
    reader.value(text)
}
