//! Programs that run code of a language.

use super::{Args, Command, builtins::run_code, code, mark_code};
use crate::policy::effects::{
    Act, Opaque, mark,
    shell::{Data, Shell, State},
};

/// Words before code, in each language.
const CODE: &[(&str, &[&str])] = &[
    ("python", &["c"]),
    ("pypy", &["c"]),
    ("perl", &["e", "E"]),
    ("ruby", &["e"]),
    ("node", &["e", "p", "eval", "print"]),
    ("nodejs", &["e", "p", "eval", "print"]),
    ("bun", &["e", "eval"]),
    ("deno", &["eval"]),
    ("php", &["r"]),
    ("lua", &["e"]),
    ("luajit", &["e"]),
    ("julia", &["e"]),
    ("rscript", &["e"]),
    ("r", &["e"]),
    ("osascript", &["e"]),
    ("tclsh", &["c"]),
    ("expect", &["c"]),
    ("jshell", &["e"]),
    ("groovy", &["e"]),
    ("scala", &["e"]),
    ("elixir", &["e", "eval"]),
    ("ghc", &["e"]),
    ("emacs", &["eval", "f"]),
    ("ipython", &["c"]),
    ("gnuplot", &["e"]),
    ("octave", &["eval"]),
    ("guile", &["c"]),
    ("erl", &["eval"]),
    ("raku", &["e"]),
    ("sbcl", &["eval"]),
    ("clojure", &["e", "eval"]),
    ("racket", &["e"]),
    ("ocaml", &["e"]),
    ("crystal", &["eval"]),
    ("bpftrace", &["e"]),
    ("stap", &["e"]),
    ("tsx", &["e", "eval", "p"]),
];

/// The language that a program of this name runs.
pub(super) fn known(name: &str) -> Option<&'static str> {
    let mut languages = CODE.iter().map(|(language, _)| *language);
    languages.find(|language| is_version_of(name, language))
}

/// `python3.12` is a `python`.
fn is_version_of(name: &str, language: &str) -> bool {
    name.strip_prefix(language)
        .is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || c == '.'))
}

/// Code that is given in words, in a file, or on standard input.
pub(super) fn run(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) -> Option<Data> {
    let is_it = |(language, _): &&(&str, &[&str])| is_version_of(command.name, language);
    let (language, before) = CODE.iter().find(is_it)?;
    let language = match *language {
        "tsx" => "node",
        language => language,
    };
    let words = command.words;
    if let Some(at) = words
        .iter()
        .position(|word| word == "-m")
        .filter(|_| language == "python")
    {
        let module = words.get(at + 1).map(String::as_str).unwrap_or_default();
        if module == "http.server" {
            let mut words = words
                .iter()
                .map(|word| word.trim_start_matches("--directory="));
            if words.any(|word| super::is_secret(&shell.path(state, word))) {
                super::sent(shell, None, true, true);
            }
        }
        let mut argv = vec![module.to_owned()];
        argv.extend(words.iter().skip(at + 2).cloned());
        return Some(shell.invoke(state, argv, command.stdin.clone()));
    }
    let is_code = |word: &str| {
        if before.contains(&word) && matches!(language, "deno" | "crystal") {
            return true;
        }
        // What is loaded stands in the same word.
        let loads = matches!(language, "perl" | "ruby")
            && ["-r", "-M", "-m", "-I"]
                .iter()
                .any(|load| word.starts_with(load));
        if loads {
            return false;
        }
        let name = word.trim_start_matches('-');
        word.starts_with('-') && before.contains(&name)
            || word.starts_with('-')
                && !word.starts_with("--")
                && before
                    .iter()
                    .any(|code| code.len() == 1 && name.ends_with(code))
    };
    let mut codes: Vec<String> = Vec::new();
    for (at, word) in words.iter().enumerate() {
        if is_code(word) {
            codes.extend(words.get(at + 1).map(|code| mark_code(code)));
        } else if let Some((_, code)) = word
            .split_once('=')
            .filter(|(option, _)| option.starts_with("--") && is_code(option))
        {
            codes.push(mark_code(code));
        } else if let Some(code) = word
            .strip_prefix("-e")
            .or_else(|| word.strip_prefix("-c").filter(|_| language == "python"))
            && !code.is_empty()
            && !is_code(word)
        {
            codes.push(mark_code(code));
        }
    }
    // `-pi` and its kin write the files back.
    let edits = |word: &String| {
        let letters = word.strip_prefix('-').unwrap_or_default();
        let letters = letters.split('.').next().unwrap_or_default();
        !word.starts_with("--") && letters.contains('i') && letters.len() < 5
    };
    if !codes.is_empty() && matches!(language, "perl" | "ruby") && words.iter().any(edits) {
        let files = words
            .iter()
            .filter(|word| !word.starts_with('-') && !codes.contains(word));
        for file in files {
            let path = shell.path(state, file);
            let how = crate::policy::effects::Write::Edit;
            shell.act(Act::Write { path, how });
        }
    }
    if !codes.is_empty() {
        let mut out = None;
        let mut state = state.clone();
        let rest = words
            .iter()
            .rev()
            .take_while(|word| !codes.contains(&mark_code(word)));
        let mut argv: Vec<String> = rest.cloned().collect();
        argv.reverse();
        for code in &codes {
            let is_remote = code.contains(mark::REMOTE)
                && code.trim_matches(mark::is_unknown).trim().is_empty();
            let written = match is_remote {
                true => run_code(shell, &mut state, code, &Data::default()),
                false => {
                    let source = code::Source {
                        language,
                        text: code,
                        stdin: &command.stdin,
                        argv: &argv,
                    };
                    code::run(shell, &mut state, &source)
                }
            };
            out = out.or(written.text);
        }
        return Some(Data {
            text: out,
            ..Data::hidden()
        });
    }
    let file = Args::of(
        words,
        &["W", "X", "r", "I", "M", "require", "loader", "import"],
    )
    .operands
    .into_iter()
    .find(|word| !(matches!(language, "deno" | "bun") && *word == "run"));
    if let Some(from) = file.filter(|file| file.contains("://")) {
        let from = super::host(from).unwrap_or_else(|| "?".to_owned());
        shell.act(Act::RunRemote { from });
        return Some(Data::hidden());
    }
    if let Some((file, rest)) = file.and_then(|file| {
        let at = words.iter().position(|word| word == file)?;
        Some((
            file.rsplit('/').next().unwrap_or(file),
            words.get(at + 1..)?,
        ))
    }) {
        let inner = Command {
            name: file,
            words: rest,
            stdin: Data::default(),
        };
        if let Some(data) = super::migrations::run(shell, state, &inner) {
            return Some(data);
        }
    }
    let data = match file {
        None | Some("-" | "/dev/stdin") if command.stdin.is_any() => command.stdin.clone(),
        Some(file) => shell.read_file(state, file),
        None => return Some(Data::default()),
    };
    if let Some(from) = data.remote {
        shell.act(Act::RunRemote { from });
    } else if let Some(text) = data.text {
        let rest = words
            .iter()
            .skip_while(|word| Some(word.as_str()) != file)
            .skip(1);
        let argv: Vec<String> = rest.cloned().collect();
        let source = code::Source {
            language,
            text: &text,
            stdin: &Data::default(),
            argv: &argv,
        };
        return Some(code::run(shell, state, &source));
    } else if (file.is_none_or(|file| file == "-") || data.is_sealed) && data.is_hidden {
        shell.opaque(Opaque::UnknownCode);
    } else {
        super::executes(shell, command.name, words);
    }
    Some(Data::hidden())
}
