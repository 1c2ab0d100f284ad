//! Programs that run others.

use super::{Args, Command, builtins::run_code, mark_code};
use crate::policy::effects::{
    Act, Process, mark,
    shell::{Data, Shell, State},
};

/// Those whose command is what stands behind their options, with the options that have values, and how many words of their
/// own stand before it.
const PLAIN: &[(&str, &[&str], usize)] = &[
    ("nohup", &[], 0),
    ("nice", &["n", "adjustment"], 0),
    ("ionice", &["c", "n", "p", "class", "classdata"], 0),
    ("time", &["f", "o", "format", "output"], 0),
    ("gtime", &["f", "o"], 0),
    ("timeout", &["s", "k", "signal", "kill-after"], 1),
    ("gtimeout", &["s", "k"], 1),
    ("stdbuf", &["i", "o", "e", "input", "output", "error"], 0),
    ("setsid", &[], 0),
    ("exec", &["a"], 0),
    ("builtin", &[], 0),
    ("caffeinate", &["t", "w"], 0),
    ("unbuffer", &[], 0),
    ("strace", &["e", "o", "p", "s", "u"], 0),
    ("ltrace", &["e", "o"], 0),
    ("taskset", &["p"], 1),
    ("chrt", &[], 1),
    ("numactl", &[], 0),
    ("catchsegv", &[], 0),
    ("busybox", &[], 0),
    ("toybox", &[], 0),
    ("fakeroot", &[], 0),
    ("proxychains", &["f"], 0),
    ("torsocks", &[], 0),
    ("dbus-run-session", &[], 0),
    ("xvfb-run", &["s", "n", "e", "f"], 0),
    ("prlimit", &[], 0),
    ("unshare", &[], 0),
    ("nsenter", &["t", "target"], 0),
    ("firejail", &[], 0),
    ("rlwrap", &[], 0),
    ("arch", &[], 0),
    ("chronic", &[], 0),
    ("ts", &[], 0),
    ("retry", &["t", "d"], 0),
    (
        "systemd-run",
        &["u", "unit", "p", "property", "on-calendar", "on-active"],
        0,
    ),
    ("chroot", &[], 1),
    ("bwrap", &["bind", "ro-bind", "dev", "proc", "chdir"], 0),
    ("noglob", &[], 0),
    ("nocorrect", &[], 0),
    ("entr", &[], 0),
    ("dotenv", &["f"], 0),
    ("coproc", &[], 0),
    ("doppler", &[], 0),
    ("setarch", &[], 1),
    ("start-stop-daemon", &["p", "a", "x", "exec", "startas"], 0),
    ("daemonize", &["p"], 0),
    ("cgexec", &["g"], 0),
    ("runuser", &["u", "user", "c"], 0),
    ("ssh-agent", &["a", "t"], 0),
    ("dbus-launch", &[], 0),
    ("pipx", &[], 0),
];

pub(super) fn run(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) -> Option<Data> {
    let words = command.words;
    match command.name {
        "sudo" | "doas" | "pkexec" | "gosu" | "su-exec" | "sudoedit" => {
            let args = Args::leading(
                words,
                &[
                    "u", "g", "h", "p", "C", "r", "t", "T", "U", "D", "R", "user", "group",
                    "chdir", "host", "prompt",
                ],
            );
            let skip = usize::from(matches!(command.name, "gosu" | "su-exec"));
            let mut argv = args.command(skip);
            while argv.first().is_some_and(|word| is_assignment(word)) {
                let word = argv.remove(0);
                let (name, value) = word.split_once('=').unwrap_or_default();
                super::meaning::environment(shell, name, Some(value));
            }
            let before = std::mem::replace(&mut shell.elevated, true);
            let out = match argv.is_empty() {
                true if args.has(&["s", "i", "shell", "login"]) => {
                    shell.invoke(state, vec!["bash".to_owned()], command.stdin.clone())
                }
                true => Data::default(),
                false => shell.invoke(state, argv, command.stdin.clone()),
            };
            shell.elevated = before;
            Some(out)
        }
        "su" | "runuser"
            if words
                .iter()
                .any(|word| word == "-c" || word.starts_with("--command")) =>
        {
            let args = Args::of(words, &["c", "command", "s", "shell", "g", "G"]);
            let before = std::mem::replace(&mut shell.elevated, true);
            let code = mark_code(args.value(&["c", "command"]).unwrap_or_default());
            let out = run_code(shell, state, &code, &command.stdin);
            shell.elevated = before;
            Some(out)
        }
        "env" => {
            let mut argv: Vec<String> = Vec::new();
            let mut rest = words.iter();
            while let Some(word) = rest.next() {
                match word.as_str() {
                    "-u" | "--unset" => {
                        let name = rest.next().map(String::as_str).unwrap_or_default();
                        super::meaning::environment(shell, name, None);
                    }
                    word if word.starts_with("-u") || word.starts_with("--unset=") => {
                        let name = word.rsplit('=').next().unwrap_or(word);
                        let name = name.trim_start_matches("-u");
                        super::meaning::environment(shell, name, None);
                    }
                    "-i" | "-" | "--ignore-environment" => {
                        shell.act(Act::Environment {
                            name: "*".to_owned(),
                            value: None,
                        });
                    }
                    "-C" | "--chdir" | "-P" => drop(rest.next()),
                    "-S" | "--split-string" => {
                        let code = rest.next().cloned().unwrap_or_default();
                        argv.extend(code.split_whitespace().map(str::to_owned));
                    }
                    word if word.starts_with("-S") && word.len() > 2 => {
                        argv.extend(
                            word.trim_start_matches("-S")
                                .split_whitespace()
                                .map(str::to_owned),
                        );
                    }
                    word if word.starts_with('-') => {}
                    word if is_assignment(word) => {
                        let (name, value) = word.split_once('=').unwrap_or_default();
                        super::variable(shell, name, &[value.to_owned()]);
                    }
                    _ => {
                        argv.push(word.clone());
                        argv.extend(rest.by_ref().cloned());
                    }
                }
            }
            (!argv.is_empty()).then(|| shell.invoke(state, argv, command.stdin.clone()))
        }
        "command" => {
            if words
                .first()
                .is_some_and(|word| matches!(word.as_str(), "-v" | "-V"))
            {
                let name = words.get(1).map(String::as_str).unwrap_or_default();
                let path = if name.contains('/') {
                    name.to_owned()
                } else {
                    format!("/usr/bin/{name}")
                };
                return Some(Data::text(path));
            }
            let args = Args::leading(words, &[]);
            Some(shell.invoke(state, args.command(0), command.stdin.clone()))
        }
        "xargs" | "gxargs" | "parallel" => Some(xargs(shell, state, command)),
        "watch" | "script" | "flock" | "entr" | "su" | "at" | "batch" => {
            code_or_words(shell, state, command)
        }
        "screen" => {
            let argv = Args::leading(
                words,
                &["S", "c", "h", "p", "t", "T", "s", "e", "x", "X", "r"],
            );
            let argv = argv.command(0);
            (!argv.is_empty()).then(|| shell.invoke(state, argv, Data::default()))
        }
        name if name.starts_with("ld-linux") || name.starts_with("ld-musl") => {
            let argv = Args::leading(words, &["library-path", "preload", "argv0"]).command(0);
            Some(shell.invoke(state, argv, command.stdin.clone()))
        }
        name => {
            let (_, valued, skip) = PLAIN.iter().find(|(plain, ..)| *plain == name)?;
            let args = Args::leading(words, valued);
            let mut argv = args.command(*skip);
            while argv.first().is_some_and(|word| is_assignment(word)) {
                argv.remove(0);
            }
            if argv.is_empty() {
                return match name {
                    "ssh-agent" | "pipx" | "arch" => None,
                    _ => Some(Data::default()),
                };
            }
            if name == "systemd-run" && words.iter().any(|word| word.starts_with("--on-")) {
                shell.act(Act::Persist {
                    what: crate::policy::effects::Persist::Schedule,
                    target: argv.join(" "),
                });
            }
            if name == "start-stop-daemon" && args.has(&["K", "stop"]) {
                shell.act(Act::Process {
                    what: Process::StopService,
                    target: argv.join(" "),
                });
            }
            Some(shell.invoke(state, argv, command.stdin.clone()))
        }
    }
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

/// The command that stands in its words, once for each thing that it reads.
fn xargs(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) -> Data {
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
    if at_once
        .and_then(|count| count.parse::<u32>().ok())
        .is_some_and(|count| count > 999)
    {
        shell.act(Act::Exhaust {
            what: crate::policy::effects::Exhaust::Processes,
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
        items = match is_lines {
            true => text.split(['\n', '\0']).map(str::to_owned).collect(),
            false => text.split_whitespace().map(str::to_owned).collect(),
        };
        items.retain(|item| !item.is_empty());
        items.truncate(32);
    } else if command.stdin.remote.is_some() {
        items.push(mark::REMOTE.to_string());
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
            for item in items.iter().take(8) {
                let words = argv
                    .iter()
                    .map(|word| word.replace(placeholder, item))
                    .collect();
                out = out.and(call(shell, state, words, command.name));
            }
            out
        }
        None => {
            argv.extend(items);
            call(shell, state, argv, command.name)
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
        _ => shell.invoke(state, argv, Data::default()),
    }
}

/// Those that take a command as one text, or as words.
fn code_or_words(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) -> Option<Data> {
    let valued: &[&str] = match command.name {
        "script" => &["c", "command", "E", "I", "O", "B", "m", "o"],
        _ => &[
            "n", "interval", "c", "command", "w", "E", "I", "O", "f", "t", "q",
        ],
    };
    let args = Args::leading(command.words, valued);
    if let Some(code) = args.value(&["c", "command"]) {
        return Some(run_code(shell, state, &mark_code(code), &Data::default()));
    }
    match command.name {
        "watch" => Some(run_code(
            shell,
            state,
            &mark_code(&args.command(0).join(" ")),
            &Data::default(),
        )),
        "flock" => {
            let after = Args::leading(command.words, &["w", "E"]).command(1);
            let inner = Args::leading(&after, &["c", "command"]);
            if let Some(code) = inner.value(&["c", "command"]) {
                return Some(run_code(shell, state, &mark_code(code), &Data::default()));
            }
            Some(shell.invoke(state, inner.command(0), command.stdin.clone()))
        }
        "script" => Some(Data::default()),
        "entr" => Some(shell.invoke(state, args.command(0), Data::default())),
        "at" | "batch" => {
            shell.act(Act::Persist {
                what: crate::policy::effects::Persist::Schedule,
                target: command.name.to_owned(),
            });
            if let Some(code) = &command.stdin.text {
                run_code(shell, state, code, &Data::default());
            }
            Some(Data::default())
        }
        _ => {
            if let Some(code) = &command.stdin.text {
                let before = std::mem::replace(&mut shell.elevated, true);
                run_code(shell, state, code, &Data::default());
                shell.elevated = before;
            }
            Some(Data::default())
        }
    }
}
