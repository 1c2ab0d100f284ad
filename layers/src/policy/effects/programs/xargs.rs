//! `xargs` and `parallel`: a command for what is read.

use super::{Args, Command, builtins::run_code, env::words_of, mark_code};
use crate::policy::effects::{
    Act, Exhaust, mark,
    shell::{Data, Shell, State, unescaped},
};

/// How many things `xargs` reads, and how often it starts something for them.
const MOST_ITEMS: usize = 256;
const MOST_CALLS: usize = 64;

/// The command that stands in its words, once for each thing that it reads.
pub(super) fn run(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) -> Data {
    let valued = [
        "I",
        "i",
        "n",
        "L",
        "P",
        "s",
        "d",
        "E",
        "a",
        "replace",
        "max-args",
        "max-procs",
        "delimiter",
        "arg-file",
        "j",
        "jobs",
        "colsep",
        "C",
    ];
    let args = Args::leading(command.words, &valued);
    let at_once = args.value(&["P", "max-procs", "j", "jobs"]);
    let at_once = at_once.and_then(|count| count.parse::<u32>().ok());
    if at_once.is_some_and(|count| count > 999 || count == 0 && command.stdin.is_endless) {
        shell.act(Act::Exhaust {
            what: Exhaust::Processes,
        });
    }
    let mut argv = args.command(0);
    let mut items: Vec<String> = Vec::new();
    let stdin = match args.value(&["a", "arg-file"]) {
        Some(file) => shell.read_file(state, file),
        None => command.stdin.clone(),
    };
    if let Some(at) = argv
        .iter()
        .position(|word| matches!(word.as_str(), ":::" | "::::"))
    {
        items = argv.split_off(at).into_iter().skip(1).collect();
    } else if let Some(text) = &stdin.text {
        let is_lines = args.has(&["I", "d", "delimiter", "replace", "0", "null"])
            || command.name == "parallel";
        let delimiter = args.value(&["d", "delimiter"]).map(unescaped);
        let delimiter = delimiter.as_deref().and_then(|text| text.chars().next());
        items = match (delimiter, is_lines) {
            (Some(delimiter), _) => text
                .trim_end_matches('\n')
                .split(delimiter)
                .map(str::to_owned)
                .collect(),
            (None, true) => text
                .split(['\n', '\0'])
                .map(|line| line.trim_start().to_owned())
                .collect(),
            (None, false) => words_of(text),
        };
        items.retain(|item| !item.is_empty());
        items.truncate(MOST_ITEMS);
    } else if command.stdin.remote.is_some() {
        items.push(mark::REMOTE.to_string());
    } else if stdin.is_private {
        items.push(mark::PRIVATE.to_string());
    } else if stdin.is_packed {
        items.push(mark::PACKED.to_string());
    } else if stdin.is_content {
        items.push(mark::LINE.to_string());
    } else {
        items.push(mark::SOME.to_string());
    }
    if command.stdin.is_secret {
        items.push(mark::SECRET.to_string());
    }
    if argv.is_empty() {
        if command.name == "parallel" {
            return run_code(shell, state, &items.join("\n"), &Data::default());
        }
        return Data::text(items.join(" "));
    }
    let placeholder = match command.name {
        "parallel" => Some("{}"),
        _ => args
            .value(&["I", "replace"])
            .or(args.has(&["i"]).then_some("{}")),
    };
    match placeholder.filter(|placeholder| argv.iter().any(|word| word.contains(placeholder))) {
        Some(placeholder) => {
            let mut out = Data::default();
            for item in items.iter().take(MOST_CALLS) {
                let words = argv
                    .iter()
                    .map(|word| word.replace(placeholder, item))
                    .collect();
                out = out.and(call(shell, state, words, command.name));
            }
            out
        }
        None => {
            let each = args
                .value(&["n", "max-args", "L"])
                .and_then(|count| count.parse().ok())
                .filter(|count| *count > 0 && command.name != "parallel")
                .unwrap_or(MOST_ITEMS);
            let mut out = Data::default();
            // Without anything to read it runs once.
            if items.is_empty() {
                return call(shell, state, argv, command.name);
            }
            for items in items.chunks(each).take(MOST_CALLS) {
                let mut argv = argv.clone();
                argv.extend_from_slice(items);
                out = out.and(call(shell, state, argv, command.name));
            }
            out
        }
    }
}

/// `parallel` gives its words to a shell, `xargs` to the program.
fn call(shell: &mut Shell<'_>, state: &mut State, argv: Vec<String>, by: &str) -> Data {
    match (by, argv.as_slice()) {
        ("parallel", [first, ..]) if first.contains(char::is_whitespace) => {
            let code = mark_code(&argv.join(" "));
            shell.text(state, &code, &Data::default())
        }
        ("parallel", _) => shell.call(state, argv, Data::default()),
        _ => shell.invoke(state, argv, Data::default()),
    }
}
