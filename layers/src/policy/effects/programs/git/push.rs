//! What is pushed, and what goes away by that: branches that are forced, and those that are deleted.

use super::Args;
use crate::policy::effects::{
    Act, Git, mark,
    shell::{Data, Shell},
};

/// Branches on which others build.
pub(crate) fn is_shared(branch: &str) -> bool {
    let branch = branch
        .trim_start_matches("refs/heads/")
        .trim_start_matches("origin/");
    matches!(
        branch,
        "main"
            | "master"
            | "develop"
            | "dev"
            | "trunk"
            | "production"
            | "prod"
            | "release"
            | "staging"
            | "stable"
            | "gh-pages"
    ) || branch.starts_with("release/")
        || branch.starts_with("release-")
}

pub(super) fn push(shell: &mut Shell<'_>, words: &[String]) {
    let args = Args::of(words, &["o", "push-option", "repo", "receive-pack", "exec"]);
    let mut act = |what: Git, target: &str| {
        shell.act(Act::Git {
            what,
            target: target.to_owned(),
        });
    };
    let refs: Vec<&str> = args.operands.iter().skip(1).copied().collect();
    let lease = words.iter().any(|word| {
        word.starts_with("--force-with-lease") || word.starts_with("--force-if-includes")
    });
    let forced = words.iter().any(|word| {
        word == "--force"
            || word == "--forc"
            || (word.starts_with('-') && !word.starts_with("--") && word.contains('f'))
    });
    if args.has(&["mirror"]) || args.has(&["prune"]) {
        act(Git::ForcePush, "--mirror");
    }
    if forced || lease {
        let what = if forced {
            Git::ForcePush
        } else {
            Git::ForceWithLease
        };
        match refs.as_slice() {
            [] => act(what, if args.has(&["all"]) { "--all" } else { "" }),
            refs => refs.iter().for_each(|name| act(what, target(name))),
        }
    }
    for name in &refs {
        match args.has(&["d", "delete"]) {
            true => deletes(shell, name),
            false => refspec(shell, name),
        }
    }
}

/// `:gone`, `+mine:theirs`: what one branch of a push takes away.
pub(super) fn refspec(shell: &mut Shell<'_>, name: &str) {
    if let Some(name) = name.strip_prefix(':').filter(|name| !name.is_empty()) {
        deletes(shell, name);
    } else if let Some(name) = name.strip_prefix('+') {
        shell.act(Act::Git {
            what: Git::ForcePush,
            target: target(name).to_owned(),
        });
    }
}

fn deletes(shell: &mut Shell<'_>, name: &str) {
    let target = all_of(shell, name);
    shell.act(Act::Git {
        what: Git::DeleteRemote,
        target,
    });
}

fn target(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

/// A name that is one of all that have been listed stands for all of them.
fn all_of(shell: &Shell<'_>, name: &str) -> String {
    let is_listed = shell.lists_all && shell.made.has("listed", "branches");
    match is_listed && name.contains(mark::SOME) {
        true => "*".to_owned(),
        false => name.to_owned(),
    }
}

/// Branches that `update-ref` is told to delete.
pub(super) fn deleted(shell: &Shell<'_>, stdin: &Data) -> Vec<String> {
    let text = stdin.text.as_deref().unwrap_or_default();
    let lines = text.split(['\n', '\0']).take(256);
    let names = lines.filter_map(|line| line.trim().strip_prefix("delete "));
    let name = |line: &str| {
        let name = line.split_whitespace().next().unwrap_or_default();
        all_of(shell, name.rsplit('/').next().unwrap_or(name))
    };
    names.map(name).collect()
}
