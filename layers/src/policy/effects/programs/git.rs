//! `git`, and other tools for repositories.

use super::{Args, Command, args::joined};
use crate::policy::effects::{
    Act, Git, Scope,
    shell::{Data, Shell, State},
};

pub(super) fn run(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) -> Option<Data> {
    match command.name {
        "git" => Some(git(shell, state, command)),
        "git-filter-repo" | "bfg" => {
            shell.act(Act::Git {
                what: Git::RewriteHistory,
                target: String::new(),
            });
            Some(Data::default())
        }
        "hg" => {
            let has = |word: &str| command.words.iter().any(|other| other == word);
            let what = match command.words.first().map(String::as_str) {
                Some("strip") => Git::RewriteHistory,
                Some("purge" | "clean") => Git::Clean,
                Some("revert") if has("--all") || has("-a") => Git::HardReset,
                Some("update" | "up" | "checkout" | "co") if has("-C") || has("--clean") => {
                    Git::HardReset
                }
                Some("push") if has("-f") || has("--force") => Git::ForcePush,
                _ => return None,
            };
            let target = if what == Git::Clean { "d" } else { "" };
            shell.act(Act::Git {
                what,
                target: target.to_owned(),
            });
            Some(Data::default())
        }
        "svn" => {
            let deletes = matches!(
                command.words.first().map(String::as_str),
                Some("delete" | "rm" | "del" | "remove")
            );
            let url = command.words.iter().find(|word| word.contains("://"))?;
            if deletes {
                shell.act(Act::Git {
                    what: Git::DeleteRemote,
                    target: format!("svn {url}"),
                });
            }
            None
        }
        "gh" | "glab" | "hub" => {
            let text = joined(command.words);
            let is_raw = text.starts_with("api") && text.to_uppercase().contains(" DELETE");
            if text.starts_with("repo delete")
                || text.starts_with("project delete")
                || is_raw
                || text.starts_with("release delete")
                || text.starts_with("secret delete")
                || text.starts_with("repo archive")
            {
                shell.act(Act::Git {
                    what: Git::DeleteRemote,
                    target: text,
                });
                return Some(Data::default());
            }
            None
        }
        _ => None,
    }
}

fn git(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) -> Data {
    let global = Args::leading(
        command.words,
        &[
            "C",
            "c",
            "git-dir",
            "work-tree",
            "namespace",
            "exec-path",
            "config-env",
        ],
    );
    let name = global.first();
    let before = state.cwd.clone();
    if let Some(folder) = global.value(&["C"]) {
        state.go(shell.path(state, folder).to_string());
    }
    for setting in global.values(&["c"]) {
        let Some((key, value)) = setting.split_once('=') else {
            continue;
        };
        super::hosts::git_setting(shell, key, value);
        if let Some(code) = value.strip_prefix('!') {
            shell.text(state, code, &Data::default());
        } else if key.strip_prefix("alias.") == Some(name) {
            let mut words: Vec<String> = vec!["git".to_owned()];
            words.extend(value.split_whitespace().map(str::to_owned));
            words.extend(global.command(1));
            shell.invoke(state, words, Data::default());
        } else if matches!(
            key.to_lowercase().as_str(),
            "core.sshcommand"
                | "core.pager"
                | "core.editor"
                | "core.fsmonitor"
                | "diff.external"
                | "credential.helper"
                | "sequence.editor"
                | "core.gitproxy"
        ) {
            shell.text(state, value, &Data::default());
        }
    }
    let rest = global.command(1);
    let out = subcommand(shell, state, name, &rest);
    state.cwd = before;
    out
}

fn subcommand(shell: &mut Shell<'_>, state: &mut State, name: &str, words: &[String]) -> Data {
    super::hosts::git(shell, name, words);
    let valued: &[&str] = match name {
        "clean" | "reset" | "checkout" | "restore" | "rm" | "stash" => {
            &["e", "exclude", "s", "source"]
        }
        _ => &[
            "m",
            "message",
            "o",
            "push-option",
            "b",
            "B",
            "u",
            "e",
            "exec",
            "x",
            "C",
            "c",
            "n",
            "tree-filter",
            "index-filter",
            "expire",
            "prune",
        ],
    };
    let args = Args::of(words, valued);
    // A repository that is there for a test alone has nothing to lose.
    let is_temporary = shell.path(state, ".").scope == Scope::Temporary;
    let git = |shell: &mut Shell<'_>, what: Git, target: &str| {
        if is_temporary {
            return;
        }
        shell.act(Act::Git {
            what,
            target: target.to_owned(),
        });
    };
    match name {
        "push" => push(shell, words),
        "reset" if args.has(&["hard"]) => git(shell, Git::HardReset, args.first()),
        "clean" if args.has(&["f", "force"]) && !args.has(&["n", "dry-run"]) => {
            let letters = ["d", "x", "X"]
                .iter()
                .filter(|letter| args.has(&[letter]))
                .copied()
                .collect::<String>();
            git(shell, Git::Clean, &letters);
        }
        "checkout" if args.has(&["f", "force"]) || words.iter().any(|word| word == ".") => {
            git(shell, Git::Discard, ".");
        }
        "checkout" if words.iter().any(|word| word == "--") => git(
            shell,
            Git::Discard,
            args.operands.last().copied().unwrap_or_default(),
        ),
        "restore" if !args.has(&["staged", "S"]) || args.has(&["worktree", "W"]) => {
            git(shell, Git::Discard, args.first());
        }
        "stash" if matches!(args.first(), "clear" | "drop") => {
            git(shell, Git::DropStash, args.first());
        }
        "branch" if args.has(&["D"]) || args.has(&["d", "delete"]) => {
            let is_forced = args.has(&["D", "f", "force"]);
            for branch in &args.operands {
                if is_forced || is_shared(branch) {
                    git(shell, Git::DeleteBranch, branch);
                }
            }
        }
        "tag" if args.has(&["d", "delete"]) => git(shell, Git::DeleteTag, args.first()),
        "filter-branch" | "filter-repo" => {
            for code in args.values(&["tree-filter", "index-filter"]) {
                shell.text(state, code, &Data::default());
            }
            git(shell, Git::RewriteHistory, "");
        }
        "reflog" if matches!(args.first(), "expire" | "delete") => {
            git(shell, Git::ExpireReflog, "");
        }
        "gc" if words
            .iter()
            .any(|word| word.starts_with("--prune=now") || word.starts_with("--prune=all")) =>
        {
            git(shell, Git::ExpireReflog, "gc");
        }
        "prune" => git(shell, Git::ExpireReflog, "prune"),
        "update-ref" if args.has(&["d"]) && args.first() == "HEAD" => {
            git(shell, Git::RewriteHistory, "HEAD");
        }
        "switch" if args.has(&["discard-changes", "f", "force"]) => git(shell, Git::Discard, "."),
        "update-ref" if args.has(&["d"]) => git(
            shell,
            Git::DeleteBranch,
            args.first().rsplit('/').next().unwrap_or_default(),
        ),
        "rebase" | "bisect" | "submodule" => {
            for code in args.values(&["x", "exec"]) {
                shell.text(state, code, &Data::default());
            }
            if matches!(args.first(), "foreach" | "run") {
                // All words behind it are the command's, options as well.
                let words = words.iter().skip_while(|word| *word != args.first());
                let code: Vec<_> = words.skip(1).map(String::as_str).collect();
                shell.text(state, &code.join(" "), &Data::default());
            }
            if args.has(&["root"]) {
                git(shell, Git::RewriteHistory, "root");
            }
        }
        "remote" if matches!(args.first(), "rm" | "remove") => {
            git(shell, Git::DeleteRemote, args.nth(1));
        }
        "worktree" if args.first() == "remove" && args.has(&["f", "force"]) => {
            let path = shell.path(state, args.nth(1));
            shell.act(Act::Delete {
                path,
                recursive: true,
            });
        }
        "rm" if args.has(&["f", "force"]) && !args.has(&["cached"]) => {
            for file in &args.operands {
                let path = shell.path(state, file);
                shell.act(Act::Delete {
                    path,
                    recursive: args.has(&["r"]),
                });
            }
        }
        "config" => config(shell, state, &args),
        "rev-parse" if args.has(&["git-dir", "git-common-dir", "absolute-git-dir"]) => {
            return Data::text(".git");
        }
        "rev-parse" if args.has(&["show-toplevel"]) => {
            return Data::text(shell.place.project().into_owned());
        }
        "clone" | "fetch" | "pull" | "ls-remote" => {
            for word in words.iter().chain(
                args.values(&["u", "upload-pack"])
                    .map(str::to_owned)
                    .collect::<Vec<_>>()
                    .iter(),
            ) {
                if let Some(code) = word
                    .strip_prefix("--upload-pack=")
                    .or_else(|| word.strip_prefix("ext::"))
                {
                    shell.text(state, code, &Data::default());
                }
            }
        }
        "log" | "show" | "diff" | "status" | "ls-files" | "grep" | "blame" => {
            return Data::hidden();
        }
        _ => {}
    }
    shell.act(Act::Exec {
        program: "git".to_owned(),
        args: vec![name.to_owned()],
    });
    Data::default()
}

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

fn push(shell: &mut Shell<'_>, words: &[String]) {
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
    if args.has(&["d", "delete"]) {
        for name in &refs {
            act(Git::DeleteRemote, name);
        }
    }
    let target = |name: &str| name.rsplit(':').next().unwrap_or(name).to_owned();
    if forced || lease {
        let what = if forced {
            Git::ForcePush
        } else {
            Git::ForceWithLease
        };
        match refs.as_slice() {
            [] => act(what, if args.has(&["all"]) { "--all" } else { "" }),
            refs => refs.iter().for_each(|name| act(what, &target(name))),
        }
    }
    for name in &refs {
        if let Some(name) = name.strip_prefix(':').filter(|name| !name.is_empty()) {
            act(Git::DeleteRemote, name);
        } else if let Some(name) = name.strip_prefix('+') {
            act(Git::ForcePush, &target(name));
        }
    }
}

fn config(shell: &mut Shell<'_>, state: &mut State, args: &Args<'_>) {
    let (key, value) = (args.first().to_lowercase(), args.nth(1));
    // What stands in place of a command of git is what that command then does.
    if key.starts_with("alias.") && !value.starts_with('!') {
        let mut words = vec!["git".to_owned()];
        words.extend(value.split_whitespace().map(str::to_owned));
        shell.invoke(state, words, Data::default());
    }
    if let Some(code) = value.strip_prefix('!') {
        shell.text(state, code, &Data::default());
    }
    let is_monitor = key == "core.fsmonitor" && !matches!(value, "" | "true" | "false" | "1" | "0");
    if is_monitor || key == "core.hookspath" && args.operands.len() > 1 {
        shell.act(Act::Persist {
            what: crate::policy::effects::Persist::GitHook,
            target: value.to_owned(),
        });
    }
}
