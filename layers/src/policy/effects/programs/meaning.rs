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

/// A variable changes that may be one that programs read: `A_NAME`, `no_proxy`.
pub(super) fn environment(shell: &mut Shell<'_>, name: &str, value: Option<&str>) {
    let is_shared = name.contains('_')
        && name
            .chars()
            .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
        || name.to_ascii_lowercase().ends_with("proxy");
    if is_shared {
        shell.act(Act::Environment {
            name: name.to_owned(),
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
