//! Settings of git: those that run something, or lead elsewhere.

use super::{super::hosts::remote, Args, push};
use crate::policy::effects::{
    Act, Git, Persist, Scope, Write, mark,
    shell::{Data, Shell, State},
};

/// Settings whose values are commands.
const COMMANDS: &[&str] = &[
    "core.sshcommand",
    "core.pager",
    "core.editor",
    "core.fsmonitor",
    "core.askpass",
    "core.gitproxy",
    "core.alternaterefscommand",
    "diff.external",
    "sequence.editor",
    "gpg.program",
    "gpg.ssh.program",
    "gpg.x509.program",
    "gpg.openpgp.program",
    "gpg.ssh.defaultkeycommand",
    "uploadpack.packobjectshook",
    "credential.helper",
    "web.browser",
    "interactive.difffilter",
    "trailer.*.command",
    "sendemail.smtpserver",
    "pager.*",
    "diff.*.command",
    "diff.*.textconv",
    "merge.*.driver",
    "filter.*.clean",
    "filter.*.smudge",
    "filter.*.process",
    "difftool.*.cmd",
    "mergetool.*.cmd",
    "browser.*.cmd",
    "man.*.cmd",
    "credential.*.helper",
    "tar.*.command",
    "receive.*hook",
    "remote.*.uploadpack",
    "remote.*.receivepack",
    "remote.*.vcs",
    "hook.*.command",
    "guitool.*.cmd",
    "submodule.*.update",
    "alias.*",
];
/// Settings whose values are folders or files from which more is taken.
const FOLDERS: &[&str] = &[
    "core.hookspath",
    "core.attributesfile",
    "init.templatedir",
    "include.path",
    "includeif.*.path",
];
/// Helpers for passwords that people have everywhere.
const HELPERS: &[&str] = &[
    "!gh auth git-credential",
    "!/usr/bin/gh auth git-credential",
    "!aws codecommit",
    "!glab auth",
    "!gcloud auth git-helper",
];

/// What a setting does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It runs a command of somebody's own.
    Command,
    /// It takes hooks, settings and the like from elsewhere.
    Folder,
    /// It leads to another host.
    Host,
}

/// What a setting does, if that matters.
pub(super) fn kind(key: &str, value: &str) -> Option<Kind> {
    let key = key.to_lowercase();
    let is_one = |keys: &[&str]| keys.iter().any(|known| is_key(&key, known));
    if is_one(FOLDERS) {
        return (!matches!(value, "" | "/dev/null")).then_some(Kind::Folder);
    }
    if is_one(COMMANDS) {
        let is_alias = key.starts_with("alias.");
        let runs = match is_alias {
            true => value.starts_with('!'),
            false => is_own_command(value),
        };
        return runs.then_some(Kind::Command);
    }
    let base = key.strip_prefix("url.").and_then(|rest| {
        rest.strip_suffix(".insteadof")
            .or_else(|| rest.strip_suffix(".pushinsteadof"))
    });
    let leads_elsewhere = base.is_some_and(|base| {
        let (to, from) = (remote(base), remote(value));
        to.is_none() || from.is_some() && to != from
    });
    let is_proxy =
        is_key(&key, "http.proxy") || is_key(&key, "http.*.proxy") || key == "core.gitproxy";
    let is_blind = key.ends_with("sslverify") && matches!(value, "false" | "0" | "no");
    (leads_elsewhere || is_proxy && !value.is_empty() || is_blind).then_some(Kind::Host)
}

/// Whether the value of a setting is a command.
pub(super) fn is_command(key: &str) -> bool {
    let key = key.to_lowercase();
    COMMANDS.iter().any(|known| is_key(&key, known)) && !key.starts_with("alias.")
}

/// What is pushed from then on without being named, if a setting says so.
pub(super) fn pushes(shell: &mut Shell<'_>, key: &str, value: &str) {
    let key = key.to_lowercase();
    if is_key(&key, "remote.*.push") {
        push::refspec(shell, value);
    } else if is_key(&key, "remote.*.mirror") && !matches!(value, "false" | "0" | "no" | "off") {
        shell.act(Act::Git {
            what: Git::ForcePush,
            target: "--mirror".to_owned(),
        });
    }
}

/// `diff.*.command` means any name in between.
fn is_key(key: &str, known: &str) -> bool {
    match known.split_once('*') {
        None => key == known,
        Some((start, end)) => {
            key.len() >= start.len() + end.len() && key.starts_with(start) && key.ends_with(end)
        }
    }
}

/// Whether a command is another than those that stand in the path of everybody: an editor, a pager.
fn is_own_command(value: &str) -> bool {
    if HELPERS.iter().any(|helper| value.starts_with(helper)) {
        return false;
    }
    let first = value.split_whitespace().next().unwrap_or_default();
    let usual = [
        "/usr/bin/",
        "/bin/",
        "/usr/local/bin/",
        "/opt/homebrew/bin/",
        "/usr/lib/git-core/",
        "/Applications/",
    ];
    let is_path = first.contains('/') && !usual.iter().any(|folder| first.starts_with(folder));
    let shells = [
        "sh", "bash", "zsh", "dash", "python", "python3", "perl", "ruby", "node", "curl", "wget",
        "nc", "eval",
    ];
    let name = first.rsplit('/').next().unwrap_or(first);
    let lower = value.to_lowercase();
    is_path
        || shells.contains(&name)
        || value.contains(['!', ';', '|', '&', '`', '$'])
        || value.contains(mark::is_unknown)
        || lower.contains("proxycommand")
        || lower.contains("localcommand")
}

/// `git config`, in all its forms.
pub(super) fn config(shell: &mut Shell<'_>, state: &mut State, words: &[String]) {
    let args = Args::of(
        words,
        &[
            "f", "file", "blob", "type", "t", "default", "comment", "value",
        ],
    );
    let only_reads = args.has(&[
        "get",
        "get-all",
        "get-regexp",
        "get-urlmatch",
        "list",
        "l",
        "unset",
        "unset-all",
        "remove-section",
        "rename-section",
        "get-color",
        "get-colorbool",
        "edit",
        "e",
    ]);
    let (verb, rest) = args
        .operands
        .split_first()
        .map_or(("", [].as_slice()), |(verb, rest)| (*verb, rest));
    let operands = match verb {
        "get" | "list" | "unset" | "remove-section" | "rename-section" | "edit" | "get-all" => {
            return;
        }
        "set" | "add" => rest,
        _ => args.operands.as_slice(),
    };
    if only_reads {
        return;
    }
    let [key, value, ..] = operands else {
        return;
    };
    let lower = key.to_lowercase();
    pushes(shell, key, value);
    // What stands in place of a command of git is what that command then does.
    if lower.starts_with("alias.") && !value.starts_with('!') {
        let mut words = vec!["git".to_owned()];
        words.extend(value.split_whitespace().map(str::to_owned));
        shell.invoke(state, words, Data::default());
    }
    if let Some(code) = value.strip_prefix('!') {
        shell.text(state, code, &Data::default());
    }
    let is_unknown = key.contains(mark::is_unknown);
    let kind = match is_unknown {
        true => is_own_command(value).then_some(Kind::Command),
        false => kind(key, value),
    };
    let Some(kind) = kind
        .filter(|_| !(lower == "core.fsmonitor" && matches!(*value, "true" | "false" | "1" | "0")))
    else {
        return;
    };
    let file = match args.value(&["f", "file"]) {
        Some(file) => file,
        None if args.has(&["global"]) => "~/.gitconfig",
        None if args.has(&["system"]) => "/etc/gitconfig",
        None if args.has(&["worktree"]) => ".git/config.worktree",
        None => ".git/config",
    };
    let path = shell.path(state, file);
    // A repository that is there for a test alone.
    if path.scope == Scope::Temporary {
        return;
    }
    shell.act(Act::Write {
        path,
        how: Write::Edit,
    });
    let is_helper = lower.starts_with("alias.") || lower.starts_with("url.") || kind == Kind::Host;
    if !is_helper {
        shell.act(Act::Persist {
            what: Persist::GitHook,
            target: mark::shown(value),
        });
    }
}

/// `--template`: hooks that every commit runs from then on.
pub(super) fn template(shell: &mut Shell<'_>, state: &State, words: &[String], folder: &str) {
    let args = Args::of(
        words,
        &[
            "template", "b", "branch", "o", "origin", "depth", "c", "config",
        ],
    );
    if args.value(&["template"]).is_none_or(str::is_empty) {
        return;
    }
    let folder = if folder.is_empty() { "." } else { folder };
    let path = shell.path(state, &format!("{folder}/.git/hooks/template"));
    if path.scope != Scope::Temporary {
        shell.act(Act::Write {
            path,
            how: Write::Replace,
        });
    }
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
