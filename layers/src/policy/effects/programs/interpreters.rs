//! Programs that run code: shells and languages.

use super::{Args, Command, builtins::run_code, code, mark_code};
use crate::policy::effects::{
    Act, Opaque, mark,
    shell::{Data, Shell, State},
};

pub(super) const SHELLS: &[&str] = &[
    "sh", "bash", "zsh", "dash", "ksh", "mksh", "ash", "fish", "rbash", "csh", "tcsh", "yash",
    "pdksh",
];

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
];

pub(super) fn run(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) -> Option<Data> {
    let name = command.name;
    if SHELLS.contains(&name) {
        return Some(a_shell(shell, state, command));
    }
    if matches!(
        name,
        "powershell"
            | "pwsh"
            | "cmd"
            | "cmd.exe"
            | "wscript"
            | "cscript"
            | "mshta"
            | "rundll32"
            | "regsvr32"
            | "certutil"
            | "bitsadmin"
            | "wmic"
            | "iex"
            | "rd"
            | "del"
            | "erase"
            | "format"
            | "diskpart"
            | "vssadmin"
            | "bcdedit"
            | "takeown"
            | "icacls"
            | "cipher"
            | "reg"
            | "schtasks"
            | "wsl"
    ) || is_cmdlet(name)
    {
        shell.opaque(Opaque::ForeignShell);
        return Some(Data::hidden());
    }
    match name {
        "awk" | "gawk" | "mawk" | "nawk" => {
            let args = command.args(&["F", "v", "f", "e"]);
            let program = args.value(&["e"]).unwrap_or(args.first());
            let program = mark_code(program);
            code::scan(shell, state, "awk", &program);
            // Who looks for something does not mean all that runs.
            shell.lists_all &= !program.contains(['/', '~', '(']);
            let mut data = command.stdin.clone();
            if args.operands.len() > 1 {
                data = shell.read_file(state, args.nth(1));
            }
            let passes = matches!(program.trim(), "1" | "{print}" | "{print $0}" | "{ print }");
            let text = code::printed(&program, "awk").or(data.text.clone().filter(|_| passes));
            return Some(data.with_text(text));
        }
        _ => {}
    }
    let (language, before) = CODE
        .iter()
        .find(|(language, _)| is_version_of(name, language))?;
    language_run(shell, state, command, language, before)
}

/// `python3.12` is a `python`.
fn is_version_of(name: &str, language: &str) -> bool {
    name.strip_prefix(language)
        .is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || c == '.'))
}

/// `remove-item`, `invoke-expression`: a verb of that other shell.
fn is_cmdlet(name: &str) -> bool {
    const VERBS: &[&str] = &[
        "remove",
        "invoke",
        "get",
        "set",
        "new",
        "stop",
        "start",
        "clear",
        "format",
        "restart",
        "write",
        "out",
        "import",
        "convertfrom",
        "add",
        "disable",
        "enable",
        "unregister",
        "register",
        "copy",
        "move",
    ];
    const NOUNS: &[&str] = &[
        "item",
        "expression",
        "content",
        "webrequest",
        "restmethod",
        "process",
        "service",
        "computer",
        "volume",
        "disk",
        "partition",
        "childitem",
        "object",
        "host",
        "eventlog",
        "itemproperty",
        "scheduledtask",
        "mppreference",
        "localuser",
        "location",
        "executionpolicy",
        "command",
        "module",
        "string",
        "netfirewallrule",
        "netfirewallprofile",
        "physicaldisk",
        "adaccount",
        "recyclebin",
    ];
    name.split_once('-')
        .is_some_and(|(verb, noun)| VERBS.contains(&verb) && NOUNS.contains(&noun))
}

fn a_shell(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) -> Data {
    // `-c` may stand anywhere among the letters; its code is the first operand.
    let args = Args::leading(command.words, &["o", "O", "init-file", "rcfile"]);
    let mut has_code = args.has(&["c"]);
    let mut operands = args.command(0);
    // More options behind `-c`.
    while has_code
        && operands
            .first()
            .is_some_and(|word| word.starts_with('-') && word.len() > 1)
    {
        operands.remove(0);
    }
    if let Some(file) = args.value(&["init-file", "rcfile"]) {
        let data = shell.read_file(state, file);
        script(shell, state, "bash", data, &[]);
    }
    if has_code && operands.is_empty() {
        has_code = false;
    }
    if has_code {
        let code = mark_code(operands.first().map(String::as_str).unwrap_or_default());
        let mut inner = state.clone();
        if let Some(name) = operands.get(1) {
            inner.set_name(name);
        }
        inner.set_args(operands.get(2..).unwrap_or_default());
        let out = run_code(shell, &mut inner, &code, &command.stdin);
        state.files = inner.files;
        return out;
    }
    let is_stdin = args.has(&["s"])
        || operands
            .first()
            .is_none_or(|file| matches!(file.as_str(), "-" | "/dev/stdin"));
    if is_stdin {
        if command.stdin.is_any() {
            return script(
                shell,
                state,
                "bash",
                command.stdin.clone(),
                operands.get(1..).unwrap_or_default(),
            );
        }
        return Data::default();
    }
    let file = operands.first().cloned().unwrap_or_default();
    if file.contains(mark::REMOTE) {
        return run_code(shell, state, &mark::REMOTE.to_string(), &Data::default());
    }
    let data = shell.read_file(state, &file);
    let is_known = data.text.is_some() || data.remote.is_some() || file.starts_with("/dev/");
    if is_known {
        return script(
            shell,
            state,
            "bash",
            data,
            operands.get(1..).unwrap_or_default(),
        );
    }
    let args = operands
        .iter()
        .take(32)
        .map(|word| mark::shown(word))
        .collect();
    shell.act(Act::Exec {
        program: command.name.to_owned(),
        args,
    });
    Data::hidden()
}

/// A script whose content has come from somewhere.
pub(super) fn script(
    shell: &mut Shell<'_>,
    state: &mut State,
    name: &str,
    data: Data,
    words: &[String],
) -> Data {
    if let Some(from) = data.remote {
        shell.act(Act::RunRemote { from });
        return Data::default();
    }
    let Some(text) = data.text else {
        if data.is_hidden && !data.is_for_shells {
            shell.opaque(Opaque::UnknownCode);
        }
        return Data::hidden();
    };
    let first = text.lines().next().unwrap_or_default();
    let language = first
        .strip_prefix("#!")
        .map(|line| line.rsplit(['/', ' ']).next().unwrap_or_default());
    let language = CODE
        .iter()
        .find(|(known, _)| is_version_of(language.unwrap_or(name), known));
    match language {
        Some((language, _)) => code::run(shell, state, language, &text, &Data::default(), words),
        None => {
            let mut inner = state.clone();
            inner.set_args(words);
            run_code(shell, &mut inner, &mark_code(&text), &Data::default())
        }
    }
}

fn language_run(
    shell: &mut Shell<'_>,
    state: &mut State,
    command: &Command<'_>,
    language: &str,
    before: &[&str],
) -> Option<Data> {
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
        if before.contains(&word) && language == "deno" {
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
        word.starts_with("--") && before.contains(&name)
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
                false => code::run(shell, &mut state, language, code, &command.stdin, &argv),
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
        if let Some(data) = super::database::run(shell, state, &inner) {
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
        return Some(code::run(
            shell,
            state,
            language,
            &text,
            &Data::default(),
            &argv,
        ));
    } else if file.is_none_or(|file| file == "-") && data.is_hidden {
        shell.opaque(Opaque::UnknownCode);
    } else {
        shell.act(Act::Exec {
            program: command.name.to_owned(),
            args: words
                .iter()
                .take(32)
                .map(|word| mark::shown(word))
                .collect(),
        });
    }
    Some(Data::hidden())
}
