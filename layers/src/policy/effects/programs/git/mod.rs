//! `git`, and other tools for repositories.

mod clone;
mod content;
mod given;
mod push;
mod settings;
mod told;

use self::push::is_shared;
pub(crate) use self::push::is_shared as is_shared_branch;
use super::{Args, Command, forges, hosts};
use crate::policy::effects::{
    Act, Git, Scope, Write, mark,
    shell::{Data, Shell, State},
};

pub(super) fn run(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) -> Option<Data> {
    match command.name {
        "git" => Some(git(shell, state, command)),
        "patch" => {
            let args = command.args(&[
                "d",
                "directory",
                "i",
                "input",
                "p",
                "strip",
                "o",
                "output",
                "r",
                "F",
            ]);
            let folder = args.value(&["d", "directory"]).unwrap_or(".");
            let target = format!("{folder}/{}", args.first());
            let path = shell.path(state, &target);
            shell.act(Act::Write {
                path,
                how: Write::Edit,
            });
            None
        }
        "git-filter-repo" | "bfg" => {
            shell.act(Act::Git {
                what: Git::RewriteHistory,
                target: String::new(),
            });
            Some(Data::default())
        }
        _ => forges::run(shell, command),
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
    let rest = global.command(1);
    content::emptied(shell, state, &global, name, &rest);
    // Of what stands in place of the command, the last counts.
    let mut alias = None;
    for (key, value) in given::settings(shell, state, &global) {
        if key.to_lowercase().strip_prefix("alias.") == Some(name) && !value.starts_with('!') {
            alias = Some(value);
        } else {
            given::once(shell, state, &key, &value);
        }
    }
    if let Some(alias) = alias {
        let mut words: Vec<String> = vec!["git".to_owned()];
        words.extend(alias.split_whitespace().map(str::to_owned));
        words.extend(rest.iter().cloned());
        shell.invoke(state, words, Data::default());
    }
    let mut out = subcommand(shell, state, name, &rest, &command.stdin);
    out.is_secret |= content::reads_secret(shell, state, name, &rest);
    state.cwd = before;
    out
}

fn subcommand(
    shell: &mut Shell<'_>,
    state: &mut State,
    name: &str,
    words: &[String],
    stdin: &Data,
) -> Data {
    if is_question(name, words) {
        shell.act(Act::Exec {
            program: "git".to_owned(),
            args: vec![name.to_owned(), "--dry-run".to_owned()],
        });
        return Data::hidden();
    }
    hosts::git(shell, name, words);
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
        // What a test has made has no more to lose than the test.
        "push" if is_temporary && clone::is_among_own(shell, state, words) => {}
        "push" | "send-pack" => push::push(shell, words),
        "init" => {
            shell.made.remember("git", "here");
            settings::template(shell, state, words, args.first());
        }
        "remote"
            if matches!(args.first(), "add" | "set-url")
                && !clone::is_own_place(shell, state, words.last().map_or("", String::as_str)) =>
        {
            shell.made.forget("git");
        }
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
        "checkout" if words.iter().any(|word| word == "--") => {
            content::brought(shell, state, name, words);
            git(
                shell,
                Git::Discard,
                args.operands.last().copied().unwrap_or_default(),
            );
        }
        "restore" if !args.has(&["staged", "S"]) || args.has(&["worktree", "W"]) => {
            content::brought(shell, state, name, words);
            git(shell, Git::Discard, args.first());
        }
        "branch" | "for-each-ref" | "ls-remote" if told::is_list(name, words, &args) => {
            return told::list(shell, name, words, &args);
        }
        "stash" if matches!(args.first(), "clear" | "drop") => {
            // One after the other, they are all.
            let is_each = args.first() == "drop"
                && (shell.loops > 0 || args.nth(1).contains(mark::is_unknown));
            let how = if is_each { "clear" } else { args.first() };
            git(shell, Git::DropStash, how);
        }
        "branch" if args.has(&["D"]) || args.has(&["d", "delete"]) => {
            let is_forced = args.has(&["D", "f", "force"]);
            // All of those that have been listed.
            if is_forced
                && shell.lists_all
                && words.iter().any(|word| word.contains(mark::is_unknown))
            {
                git(shell, Git::DeleteBranch, "*");
            }
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
        "update-ref" if args.has(&["stdin"]) => {
            for name in push::deleted(shell, stdin) {
                git(shell, Git::DeleteBranch, &name);
            }
        }
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
        "apply" | "am" if !args.has(&["check", "stat", "numstat", "summary", "cached"]) => {
            content::patched(shell, state, words, stdin);
        }
        "difftool" | "mergetool" => {
            for code in Args::of(words, &["x", "extcmd"]).values(&["x", "extcmd"]) {
                shell.text(state, code, &Data::default());
            }
        }
        "remote" if matches!(args.first(), "rm" | "remove") => {
            git(shell, Git::DeleteRemote, args.nth(1));
        }
        "worktree" if args.first() == "add" => clone::made(shell, state, args.nth(1)),
        "worktree" if args.first() == "remove" && args.has(&["f", "force"]) => {
            // What has been committed there is in the repository, and git removes nothing else.
            let path = shell.path(state, args.nth(1));
            shell.act(Act::Delete {
                path,
                recursive: false,
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
        "config" => settings::config(shell, state, words),
        "rev-parse" => {
            super::executes(shell, "git", &[name.to_owned()]);
            return told::places(shell, state, words);
        }
        "clone" | "fetch" | "pull" | "ls-remote" => {
            if name == "clone" {
                clone::clone(shell, state, words);
            }
            let packs = Args::of(words, &["u", "upload-pack"]);
            let elsewhere = words.iter().filter_map(|word| word.strip_prefix("ext::"));
            for code in packs.values(&["u", "upload-pack"]).chain(elsewhere) {
                // `-u` of others sets the branch that is followed.
                if name == "clone" || name == "ls-remote" || code.contains([' ', '/']) {
                    shell.text(state, code, &Data::default());
                }
            }
        }
        // All files of the repository, unless some of them are meant.
        "ls-files"
            if args.operands.is_empty() && !args.has(&["o", "others", "m", "d", "u", "i"]) =>
        {
            return Data {
                is_hidden: true,
                ..Data::text(mark::STAR.to_string())
            };
        }
        "grep" if words.iter().any(|word| word.starts_with("-O")) => {
            let pager = words.iter().find_map(|word| word.strip_prefix("-O"));
            shell.text(state, pager.unwrap_or_default(), &Data::default());
            return Data::hidden();
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

/// Whether a command only tells what it would do.
fn is_question(name: &str, words: &[String]) -> bool {
    let has = |options: &[&str]| {
        words
            .iter()
            .map(String::as_str)
            .take_while(|word| *word != "--")
            .any(|word| options.contains(&word))
    };
    match name {
        "submodule" | "bisect" | "config" | "stash" => false,
        // `-n` is something else for others.
        "push" | "prune" | "worktree" | "rm" | "mv" | "reflog" if has(&["-n"]) => true,
        "filter-repo" if has(&["--analyze"]) => true,
        // There it is short for `--heads`.
        "ls-remote" => has(&["--help"]),
        _ => has(&["--help", "-h", "--dry-run"]),
    }
}
