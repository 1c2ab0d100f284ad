//! What it means that a variable is set, and that a text is written into a file.

use super::builtins::backdoor;
use crate::policy::effects::{Act, PathRef, Persist, Process, mark, persist, shell::Shell};

/// Whether a file holds keys, tokens or the like.
pub(in super::super) fn is_secret(path: &PathRef) -> bool {
    persist::is_secret(path)
}

/// What it means that a variable is set.
pub(in super::super) fn variable(shell: &mut Shell<'_>, name: &str, value: &[String]) {
    let text = value.concat();
    environment(shell, name, Some(&text));
    match name {
        "LD_PRELOAD" | "LD_AUDIT" | "DYLD_INSERT_LIBRARIES"
            if !text.split([':', ' ']).all(is_usual) =>
        {
            shell.act(Act::Persist {
                what: Persist::Preload,
                target: text,
            });
        }
        "HISTFILE" if text == "/dev/null" || text.is_empty() => shell.act(Act::CoverTracks {
            what: "history".to_owned(),
        }),
        "HISTSIZE" | "HISTFILESIZE" if text == "0" => shell.act(Act::CoverTracks {
            what: "history".to_owned(),
        }),
        _ => {}
    }
}

/// Libraries with which programs are watched, from where the system or a compiler has them.
fn is_usual(library: &str) -> bool {
    const USUAL: [&str; 16] = [
        "libjemalloc",
        "libtcmalloc",
        "libfaketime",
        "libasan",
        "libubsan",
        "libtsan",
        "liblsan",
        "libclang_rt",
        "libgomp",
        "libmimalloc",
        "libprofiler",
        "libeatmydata",
        "libheaptrack",
        "libSegFault",
        "libhugetlbfs",
        "libiomp5",
    ];
    let (folder, name) = library.rsplit_once('/').unwrap_or(("", library));
    let is_foreign = folder.starts_with("/tmp")
        || folder.starts_with("/var/tmp")
        || folder.starts_with("/dev/shm");
    library.is_empty() || !is_foreign && USUAL.iter().any(|usual| name.starts_with(usual))
}

/// A variable changes that may be one that programs read: `A_NAME`, `no_proxy`. With a star it is all that begin so; if
/// it cannot be told which one is taken away, it may be any.
pub(super) fn environment(shell: &mut Shell<'_>, name: &str, value: Option<&str>) {
    let start = name.trim_end_matches(mark::STAR);
    let is_many = start.len() < name.len() && start.len() > 2;
    let is_any = !name.is_empty() && name.chars().all(mark::is_unknown);
    let is_shared = (start.contains('_') || is_many)
        && start
            .chars()
            .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
        || name.to_ascii_lowercase().ends_with("proxy")
        || is_any;
    if let Some(value) = value {
        super::registries::variable(shell, name, value);
    }
    if is_shared {
        shell.act(Act::Environment {
            name: mark::shown(name),
            value: value.map(mark::shown),
        });
    }
}

/// What it means that this text is written into a file.
pub(in super::super) fn written(shell: &mut Shell<'_>, path: &PathRef, text: &str) {
    if path.is_within("/etc/sudoers")
        || path.is_within("/etc/sudoers.d")
        || text.contains("NOPASSWD") && path.is_within("/etc")
    {
        shell.act(Act::Persist {
            what: Persist::Account,
            target: path.resolved.clone(),
        });
    }
    // Python carries out such lines whenever it starts.
    if path.resolved.ends_with(".pth") && text.trim_start().starts_with("import ") {
        shell.act(Act::Persist {
            what: Persist::Startup,
            target: path.resolved.clone(),
        });
    }
    if path.is_within("/etc/hosts") {
        super::hosts::table(shell, text);
    }
    if is_read_at_start(path) {
        variables(shell, text);
    }
    let takes_orders = ["$_GET", "$_POST", "$_REQUEST", "$_COOKIE"]
        .iter()
        .any(|word| text.contains(word))
        && [
            "system(",
            "eval(",
            "exec(",
            "passthru(",
            "popen(",
            "assert(",
        ]
        .iter()
        .any(|word| text.contains(word));
    if takes_orders && path.resolved.ends_with(".php") {
        backdoor(shell, &path.resolved);
    }
    let knobs = ["/proc/sys", "/proc/sysrq-trigger", "/sys"];
    if path.is_within("/proc/sysrq-trigger") {
        shell.act(Act::Process {
            what: Process::Shutdown,
            target: path.resolved.clone(),
        });
    } else if knobs.iter().any(|knob| path.is_within(knob)) {
        shell.act(Act::Disarm {
            what: path.resolved.clone(),
        });
    }
}

/// Whether a file is one from which programs take variables when they start: hidden ones, and those of the system.
fn is_read_at_start(path: &PathRef) -> bool {
    path.is_within("/etc")
        || path
            .resolved
            .split('/')
            .any(|part| part.len() > 2 && part.starts_with('.'))
}

/// The most names that are told of one text.
const MOST: usize = 32;

/// Variables that a text sets, in whichever language: `A_B=c`, `"A_B": "c"`, `setenv A_B c`.
fn variables(shell: &mut Shell<'_>, text: &str) {
    let is_part = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let ends = text.char_indices().filter(|(at, c)| {
        let before = text
            .get(..*at)
            .and_then(|before| before.chars().next_back());
        is_part(*c) && !before.is_some_and(|before| before.is_ascii_alphanumeric() || before == '_')
    });
    let starts: Vec<usize> = ends.map(|(at, _)| at).take(4 * MOST).collect();
    let mut told = 0;
    for at in starts {
        let rest = text.get(at..).unwrap_or_default();
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let (name, behind) = rest.split_at_checked(end).unwrap_or((rest, ""));
        if !name.contains('_') || told == MOST {
            continue;
        }
        let line = behind.lines().next().unwrap_or_default();
        let value = line
            .trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '=' | ':'));
        let is_set = value.len() < line.len() && line.contains(['=', ':', ' ']);
        let value = value
            .split(['"', '\'', ' ', ',', ';', '}'])
            .next()
            .unwrap_or_default();
        if is_set && !value.is_empty() {
            told += 1;
            shell.act(Act::Environment {
                name: name.to_owned(),
                value: Some(mark::shown(value)),
            });
        }
    }
}
