//! Programs that run others.

use super::{Args, Command, agents, builtins::run_code, env, mark_code, xargs};
use crate::policy::effects::{
    Act, Process, Write,
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
    ("prlimit", &["p", "pid", "o", "output"], 0),
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
    ("proxychains4", &["f"], 0),
    ("coproc", &[], 0),
    ("setpriv", &["reuid", "regid", "groups"], 0),
    ("tini", &[], 0),
    ("dumb-init", &[], 0),
    ("setuidgid", &[], 1),
    ("chpst", &["u", "U", "e", "n", "m"], 0),
    ("cpulimit", &["l", "limit", "p", "e"], 0),
    ("faketime", &["f"], 1),
    ("valgrind", &[], 0),
    ("proot", &["r", "b", "w"], 0),
    ("sem", &["j"], 0),
    ("nq", &[], 0),
    ("tsp", &[], 0),
    ("setarch", &[], 1),
    ("start-stop-daemon", &["p", "a", "x", "exec", "startas"], 0),
    ("daemonize", &["p"], 0),
    ("cgexec", &["g"], 0),
    ("runuser", &["u", "user", "c"], 0),
    ("ssh-agent", &["a", "t"], 0),
    ("dbus-launch", &[], 0),
    ("pipx", &[], 0),
];

/// Those whose command stands behind two dashes.
const BEHIND_DASHES: &[&str] = &[
    "doppler",
    "mise",
    "rtx",
    "op",
    "aws-vault",
    "infisical",
    "dotenvx",
    "chamber",
    "envchain",
    "watchexec",
    "teller",
    "direnv",
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
                shell.assigned(state, name, vec![value.to_owned()]);
            }
            // Variables stay behind, unless they are asked to come along.
            if agents::starts(&argv) && !args.has(&["E", "preserve-env"]) {
                shell.act(Act::Environment {
                    name: "*".to_owned(),
                    value: None,
                });
            }
            let before = std::mem::replace(&mut shell.elevated, true);
            let edits = command.name == "sudoedit" || args.has(&["e", "edit"]);
            let out = match argv.is_empty() {
                false if edits => {
                    for file in &argv {
                        let path = shell.path(state, file);
                        shell.act(Act::Write {
                            path,
                            how: Write::Edit,
                        });
                    }
                    Data::default()
                }
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
            let is_login = args.has(&["l", "login"]) || words.iter().any(|word| word == "-");
            if is_login && agents::starts(&["-c".to_owned(), code.clone()]) {
                shell.act(Act::Environment {
                    name: "*".to_owned(),
                    value: None,
                });
            }
            let out = run_code(shell, state, &code, &command.stdin);
            shell.elevated = before;
            Some(out)
        }
        "env" => env::run(shell, state, command),
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
        "xargs" | "gxargs" | "parallel" => Some(xargs::run(shell, state, command)),
        "watch" | "script" | "flock" | "entr" | "su" | "at" | "batch" => {
            code_or_words(shell, state, command)
        }
        "screen" if !words.iter().any(|word| word == "-X") => {
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
        "hyperfine" => {
            let args = command.args(&["w", "warmup", "r", "runs", "n", "p", "export-json"]);
            for code in &args.operands {
                shell.text(state, &mark_code(code), &Data::default());
            }
            Some(Data::hidden())
        }
        name if BEHIND_DASHES.contains(&name) => {
            let at = words.iter().position(|word| word == "--")?;
            let argv = words.get(at + 1..).filter(|argv| !argv.is_empty())?;
            Some(shell.invoke(state, argv.to_vec(), command.stdin.clone()))
        }
        name => {
            let (_, valued, skip) = PLAIN.iter().find(|(plain, ..)| *plain == name)?;
            let args = Args::leading(words, valued);
            let mut argv = args.command(*skip);
            while argv.first().is_some_and(|word| is_assignment(word)) {
                argv.remove(0);
            }
            // What is done to a process that runs.
            if argv.is_empty()
                && matches!(
                    name,
                    "prlimit" | "cpulimit" | "taskset" | "chrt" | "strace" | "ltrace"
                )
            {
                super::executes(shell, name, words);
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
            // What a shell knows by itself knows its functions.
            Some(match name {
                "time" | "coproc" | "noglob" | "nocorrect" => {
                    shell.call(state, argv, command.stdin.clone())
                }
                _ => shell.invoke(state, argv, command.stdin.clone()),
            })
        }
    }
}

pub(super) fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
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
