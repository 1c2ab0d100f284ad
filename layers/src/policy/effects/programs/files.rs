//! Files: removed, moved, copied, written.

use super::{Args, Command, archives, hosts, patches, private, readers, sed};
use crate::policy::effects::{
    Act, Exhaust, Permissions, Write, mark,
    shell::{Data, Shell, State},
};

/// How many links are remembered.
pub(super) const MOST_LINKS: usize = 64;

pub(super) fn run(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) -> Option<Data> {
    match command.name {
        "rm" | "grm" | "srm" | "trash" | "trash-put" | "rimraf" | "del-cli" | "wipe" | "shred"
        | "gshred" | "unlink" | "rmdir" | "grmdir" => {
            remove(shell, state, command);
        }
        "mv" | "gmv" | "cp" | "gcp" | "ln" | "install" | "rsync" | "rename" | "ditto" => {
            transfer(shell, state, command);
        }
        "truncate" | "fallocate" => {
            let args = command.args(&["s", "size", "r", "reference", "l", "length", "o"]);
            let shrinks = command.name == "truncate"
                && args
                    .value(&["s", "size"])
                    .is_none_or(|size| !size.starts_with('+'));
            let length = args.value(&["l", "length"]).unwrap_or_default();
            // As much as there is left, if that is asked for.
            let is_asked = length.contains(mark::UNKNOWN);
            if command.name == "fallocate" && (is_asked || readers::is_far(length)) {
                shell.act(Act::Exhaust {
                    what: Exhaust::Disk,
                });
            }
            for file in &args.operands {
                let path = shell.path(state, file);
                shell.act(Act::Write {
                    path,
                    how: if shrinks {
                        Write::Truncate
                    } else {
                        Write::Edit
                    },
                });
            }
        }
        "patch" | "gpatch" => patches::run(shell, state, command),
        "sed" | "gsed" => return Some(sed::run(shell, state, command)),
        "touch" | "mkdir" | "mkfifo" => {
            let args = command.args(&["m", "t", "d", "r", "mode"]);
            // With parents it may have been there.
            let is_new = command.name == "mkdir" && !args.has(&["p", "parents"]);
            for file in args.operands {
                let path = shell.path(state, file);
                if is_new {
                    shell.made.remember("folder", &path.resolved);
                }
                shell.act(Act::Write {
                    path,
                    how: Write::Append,
                });
            }
        }
        "chmod" | "gchmod" | "setfacl" | "chattr" => permissions(shell, state, command),
        "chown" | "chgrp" | "gchown" => {
            let args = command.args(&["from", "reference"]);
            let recursive = args.has(&["R", "recursive"]);
            for file in args
                .operands
                .iter()
                .skip(usize::from(!args.has(&["reference"])))
            {
                let path = shell.path(state, file);
                shell.act(Act::Permissions {
                    what: Permissions::Owner,
                    path,
                    recursive,
                });
            }
        }
        "tar" | "bsdtar" | "gtar" => return Some(archives::tar(shell, state, command)),
        "cpio" | "pax" => return Some(archives::listed(shell, state, command)),
        "zip" | "7z" => {
            let words = command.words;
            if let Some(at) = words
                .iter()
                .position(|word| word == "-TT" || word == "--unzip-command")
            {
                let code = words.get(at + 1).cloned().unwrap_or_default();
                shell.text(state, &code, &Data::default());
            }
            let packed = private::archived(shell, state, command);
            if words
                .iter()
                .any(|word| matches!(word.as_str(), "-m" | "-mr" | "-rm" | "-sdel"))
            {
                for file in command.args(&["TT"]).operands.iter().skip(1) {
                    let path = shell.path(state, file);
                    shell.act(Act::Delete {
                        path,
                        recursive: true,
                    });
                }
            }
            return Some(packed);
        }
        _ => return None,
    }
    Some(Data::default())
}

fn remove(shell: &mut Shell<'_>, state: &State, command: &Command<'_>) {
    let args = command.args(&["n", "iterations", "s", "size"]);
    let recursive = match command.name {
        "rm" | "grm" | "srm" | "wipe" => args.has(&["r", "R", "recursive"]),
        "trash" | "trash-put" | "rimraf" | "del-cli" => true,
        _ => false,
    };
    // What is written over is gone, whether its name is or not.
    for file in &args.operands {
        let path = shell.path(state, file);
        shell.act(match command.name {
            "shred" | "gshred" if path.scope == crate::policy::effects::Scope::Device => {
                Act::Disk {
                    program: "shred".to_owned(),
                    device: path.written,
                }
            }
            "shred" | "gshred" => Act::Write {
                path,
                how: Write::Shred,
            },
            _ => Act::Delete { path, recursive },
        });
    }
}

fn transfer(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) {
    let valued: &[&str] = match command.name {
        "rsync" => &[
            "e",
            "rsh",
            "exclude",
            "include",
            "filter",
            "f",
            "exclude-from",
            "include-from",
            "files-from",
            "partial-dir",
            "T",
            "B",
            "M",
        ],
        "install" => &[
            "t",
            "target-directory",
            "S",
            "suffix",
            "m",
            "mode",
            "o",
            "owner",
            "g",
            "group",
        ],
        _ => &["t", "target-directory", "S", "suffix"],
    };
    let args = command.args(valued);
    if let Some(code) = args
        .value(&["e", "rsh"])
        .filter(|_| command.name == "rsync")
    {
        shell.text(state, code, &Data::default());
    }
    let mut from = args.operands.clone();
    let to = match args.value(&["t", "target-directory"]) {
        Some(to) => to,
        None => match from.pop() {
            Some(to) => to,
            None => return,
        },
    };
    let is_far = |path: &str| {
        command.name == "rsync"
            && path
                .split_once(':')
                .is_some_and(|(host, _)| !host.contains('/'))
    };
    let target = shell.path(state, to);
    // Who asks what would be done does not do it.
    let is_asked = command.name == "rsync" && args.has(&["n", "dry-run"]);
    let deletes = command
        .words
        .iter()
        .any(|word| word.starts_with("--delete"));
    if deletes && !is_far(to) && !is_asked {
        shell.act(Act::Delete {
            path: target.clone(),
            recursive: true,
        });
    }
    for from in from {
        let source = shell.path(state, from);
        if is_far(to) || is_far(from) {
            let host = if is_far(to) { to } else { from }
                .split(':')
                .next()
                .map(|host| host.rsplit('@').next().unwrap_or(host).to_owned());
            let is_private = is_far(to)
                && private::is_personal(&source)
                && host.as_deref().is_some_and(hosts::is_strange);
            let is_secret = super::is_secret(&source) && is_far(to);
            let address = super::Address::at(host.as_deref().unwrap_or_default(), "");
            address.given(shell, is_secret, is_private, is_far(to));
            continue;
        }
        if is_asked {
            shell.act(Act::Read { path: source });
            continue;
        }
        let secret = || Data {
            is_secret: true,
            ..Data::hidden()
        };
        let data = state.files.get(&source.resolved).cloned();
        let data = data.or_else(|| super::is_secret(&source).then(secret));
        if let Some(data) = data {
            // It keeps its name in a folder.
            let inside = format!("{}/{}", target.resolved, source.name());
            state.files.insert(inside, data.clone());
            state.files.insert(target.resolved.clone(), data);
        }
        if command.name == "ln" && args.has(&["s", "symbolic"]) {
            let link = if state.links.len() < MOST_LINKS {
                Some(target.resolved.clone())
            } else {
                None
            };
            state
                .links
                .extend(link.map(|link| (link, source.to_string())));
        }
        let mode = args
            .value(&["m", "mode"])
            .filter(|_| command.name == "install");
        if let Some(what @ Permissions::SetId) = mode.map(kind) {
            shell.act(Act::Permissions {
                what,
                path: target.clone(),
                recursive: false,
            });
        }
        let is_known = !source.all && !source.resolved.contains(['$', '*']);
        if is_known && state.programs.len() < MOST_LINKS {
            let inside = format!("{}/{}", target.resolved, source.name());
            for path in [target.resolved.clone(), inside] {
                state.programs.insert(path, source.name().to_owned());
            }
        }
        let removes = command
            .words
            .iter()
            .any(|word| word == "--remove-source-files");
        let empties = matches!(
            source.resolved.as_str(),
            "/dev/null" | "/dev/zero" | "/dev/urandom" | "/dev/random"
        );
        shell.act(match command.name {
            "cp" | "gcp" | "ln" if empties => Act::Write {
                path: target.clone(),
                how: Write::Truncate,
            },
            "mv" | "gmv" => Act::Move {
                from: source,
                to: target.clone(),
            },
            _ if removes => Act::Move {
                from: source,
                to: target.clone(),
            },
            _ => Act::Copy {
                from: source,
                to: target.clone(),
            },
        });
    }
}

fn permissions(shell: &mut Shell<'_>, state: &State, command: &Command<'_>) {
    let words: Vec<String> = command.words.to_vec();
    // `-x` takes a permission away: no option, but a mode.
    let is_mode = |word: &&String| {
        word.len() > 1
            && word.starts_with('-')
            && word.chars().skip(1).all(|c| "rwxXst".contains(c))
    };
    let mode = words
        .iter()
        .find(|word| !word.starts_with('-') || is_mode(word))
        .cloned()
        .unwrap_or_default();
    let valued: &[&str] = if command.name == "setfacl" {
        &["m", "x", "modify"]
    } else {
        &["reference"]
    };
    let args = Args::of(command.words, valued);
    let mode = args.value(&["m", "modify"]).map_or(mode, str::to_owned);
    let recursive = args.has(&["R", "recursive"]);
    let what = kind(&mode);
    let files = args.operands.iter().filter(|word| **word != mode);
    for file in files {
        let path = shell.path(state, file);
        shell.act(Act::Permissions {
            what,
            path,
            recursive,
        });
    }
}

fn kind(mode: &str) -> Permissions {
    let is_octal = !mode.is_empty() && mode.chars().all(|c| c.is_digit(8));
    if is_octal {
        let bits = u32::from_str_radix(mode, 8).unwrap_or(0);
        return match bits {
            bits if bits & 0o4000 != 0 => Permissions::SetId,
            bits if bits & 0o002 != 0 => Permissions::Open,
            bits if bits & 0o777 == 0 => Permissions::Close,
            bits if bits & 0o111 != 0 => Permissions::Execute,
            _ => Permissions::Other,
        };
    }
    let clause = |mode: &str| -> Permissions {
        let at = mode.find(['+', '-', '=']).unwrap_or(mode.len());
        let (who, what) = mode.split_at_checked(at).unwrap_or((mode, ""));
        let adds = !what.starts_with('-');
        let all = who.is_empty() || who.contains('a');
        match what {
            what if adds && what.contains('s') && (all || who.contains('u')) => Permissions::SetId,
            what if adds && what.contains('w') && (who.contains('a') || who.contains('o')) => {
                Permissions::Open
            }
            what if !adds && all && what.contains('r') => Permissions::Close,
            "=" if all => Permissions::Close,
            what if adds && what.contains('x') => Permissions::Execute,
            _ => Permissions::Other,
        }
    };
    let worst = [
        Permissions::SetId,
        Permissions::Open,
        Permissions::Close,
        Permissions::Execute,
    ];
    let kinds: Vec<_> = mode.split(',').map(clause).collect();
    worst
        .into_iter()
        .find(|kind| kinds.contains(kind))
        .unwrap_or(Permissions::Other)
}
