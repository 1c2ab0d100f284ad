//! Repositories where others have them, and those of other tools than git.

use super::{Command, args::joined};
use crate::policy::effects::{
    Act, Git, Persist,
    shell::{Data, Shell},
};

pub(super) fn run(shell: &mut Shell<'_>, command: &Command<'_>) -> Option<Data> {
    match command.name {
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
        "gh" | "glab" | "hub" | "tea" => forge(shell, command),
        _ => None,
    }
}

/// What is done to a repository where others have it.
fn forge(shell: &mut Shell<'_>, command: &Command<'_>) -> Option<Data> {
    let text = joined(command.words);
    let upper = text.to_uppercase();
    let is_raw = text.starts_with("api")
        && (upper.contains(" DELETE") || upper.contains("=DELETE") || upper.contains("-XDELETE"));
    // What is made anew whenever it is needed.
    let is_small = [
        "/actions/caches",
        "/actions/runs",
        "/comments/",
        "/labels/",
        "/reactions",
        "/artifacts",
    ]
    .iter()
    .any(|part| text.contains(part));
    let takes = [
        "repo delete",
        "repos delete",
        "project delete",
        "release delete",
        "secret delete",
        "repo archive",
        "repo edit --visibility",
        "org delete",
        "variable delete",
        "environment delete",
    ];
    let forces =
        text.starts_with("api") && text.contains("/git/refs/") && text.contains("force=true");
    if takes.iter().any(|start| text.starts_with(start)) || is_raw && !is_small || forces {
        shell.act(Act::Git {
            what: Git::DeleteRemote,
            target: text,
        });
        return Some(Data::default());
    }
    let keys = [
        "ssh-key add",
        "gpg-key add",
        "repo deploy-key add",
        "deploy-key add",
    ];
    if keys.iter().any(|start| text.starts_with(start)) {
        shell.act(Act::Persist {
            what: Persist::Key,
            target: text,
        });
    }
    None
}
