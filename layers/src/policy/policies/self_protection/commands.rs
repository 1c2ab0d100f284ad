//! Commands that end what runs, or hold it, by their words.

/// Programs that run others, or look after those that run.
pub(super) const SUPERVISORS: &[&str] = &[
    "systemctl",
    "service",
    "rc-service",
    "launchctl",
    "supervisorctl",
    "initctl",
    "sv",
    "pm2",
    "docker",
    "podman",
    "nerdctl",
    "docker-compose",
    "podman-compose",
    "kubectl",
    "nomad",
    "brew",
    "sc",
    "tmux",
    "screen",
    "dpkg",
    "apt",
    "apt-get",
    "dnf",
    "yum",
    "pacman",
    "cargo",
    "npm",
];
/// Words with which they end something.
const ENDS: &[&str] = &[
    "stop",
    "kill",
    "disable",
    "mask",
    "restart",
    "unload",
    "bootout",
    "remove",
    "rm",
    "down",
    "delete",
    "pause",
    "scale",
    "uninstall",
    "purge",
    "autoremove",
    "kill-session",
    "terminate",
    "quit",
    "drain",
    "try-restart",
    "freeze",
    "revert",
    "edit",
    "set-property",
    "-R",
    "-r",
    "--purge",
    "--remove",
];
/// Programs that hold, starve or take over a process that runs.
pub(super) const HOLDERS: &[&str] = &[
    "gdb", "lldb", "prlimit", "cpulimit", "criu", "strace", "ltrace", "reptyr", "chrt", "taskset",
    "renice",
];

/// Options of theirs with the name of somebody.
const OWNERS: &[&str] = &["-u", "-U", "--user", "--euid", "--uid", "-G", "--group"];

/// The words of a command without those that say whose processes are meant: that says nothing of which they are.
pub(super) fn patterns<'w>(words: impl Iterator<Item = &'w str>) -> impl Iterator<Item = &'w str> {
    let mut is_owner = false;
    words.filter(move |word| {
        let is_pattern = !is_owner;
        is_owner = OWNERS.contains(word);
        is_pattern
    })
}

/// Whether a program that looks after others is told to end something.
pub(super) fn ends(program: &str, args: &[String]) -> bool {
    SUPERVISORS.contains(&program) && args.iter().any(|word| ENDS.contains(&word.as_str()))
}

/// Whether a program that can hold a process does so, and does not only look at it.
pub(super) fn holds(program: &str, args: &[String]) -> bool {
    match program {
        "strace" | "ltrace" => args.iter().any(|word| word.contains("inject")),
        "prlimit" => args.iter().any(|word| {
            word.starts_with("--")
                && word.contains('=')
                && !word.starts_with("--pid")
                && !word.starts_with("--output")
        }),
        _ => true,
    }
}

/// Whether the first word of a command ends something, whatever stands behind it.
pub(super) fn begins_to_end(args: &[String]) -> bool {
    let first = args.iter().find(|word| !word.starts_with('-'));
    first.is_some_and(|word| ENDS.contains(&word.as_str()))
}

/// Whether a signal is none: `kill -0`, to ask whether somebody is there.
pub(super) fn only_asks(words: &str) -> bool {
    let words: Vec<&str> = words
        .split_whitespace()
        .skip_while(|word| word.ends_with("kill") || word.ends_with("killall"))
        .collect();
    matches!(
        words.as_slice(),
        ["-0" | "-s0" | "-n0" | "--signal=0" | "-l" | "-L", ..]
            | ["-s" | "-n" | "--signal", "0", ..]
    )
}

/// Whether it is not known whom it is about.
pub(super) fn is_unknown(target: &str) -> bool {
    target.contains('$')
}

/// Whether processes end that have nothing in common but their user, their terminal or that they run.
pub(super) fn ends_all(command: &str) -> bool {
    let mut words = command.split_whitespace();
    let program = words.next().unwrap_or_default();
    let kinds = [
        "-u",
        "-U",
        "--user",
        "--euid",
        "--uid",
        "-v",
        "--inverse",
        "-G",
        "-g",
        "-t",
        "-s",
        "-P",
    ];
    matches!(program, "kill" | "killall5") || words.any(|word| kinds.contains(&word))
}

/// Sets of one letter as that letter.
pub(super) fn single_letters(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('[') {
        out.push_str(before);
        match after.split_at_checked(2) {
            Some((set, behind)) if set.ends_with(']') => {
                out.push_str(set.trim_end_matches(']'));
                rest = behind;
            }
            _ => {
                out.push('[');
                rest = after;
            }
        }
    }
    out + rest
}
