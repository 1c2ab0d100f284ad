//! Containers: what is run in them, and what of the machine they are given.

use super::{Args, Command, args::joined};
use crate::policy::effects::{
    Act, Scope, mark,
    shell::{Data, Shell, State},
};

/// What is run in a container of a composition.
pub(super) fn composed(
    shell: &mut Shell<'_>,
    state: &mut State,
    words: &[String],
    stdin: &Data,
) -> bool {
    let at = words
        .iter()
        .position(|word| matches!(word.as_str(), "exec" | "run"));
    let Some((command, rest)) = at.and_then(|at| words.get(at..)?.split_first()) else {
        return false;
    };
    inside(shell, state, command, rest, stdin);
    true
}

pub(super) fn compose(words: &[&str]) -> bool {
    let has = |word: &str| words.contains(&word);
    (has("down")
        && words.iter().any(|word| {
            matches!(*word, "-v" | "--volumes" | "--rmi")
                || word.starts_with("--rmi=")
                || (word.starts_with('-') && !word.starts_with("--") && word.contains('v'))
        }))
        || (has("rm")
            && words
                .iter()
                .any(|word| word.starts_with('-') && !word.starts_with("--") && word.contains('v')))
}

pub(super) fn containers(
    shell: &mut Shell<'_>,
    state: &mut State,
    command: &Command<'_>,
) -> Option<Data> {
    let global = Args::leading(
        command.words,
        &["H", "host", "c", "context", "l", "log-level", "config"],
    );
    let rest = global.command(1);
    let words: Vec<&str> = rest.iter().map(String::as_str).collect();
    let has = |word: &str| words.contains(&word);
    let letter = |letter: char| {
        words
            .iter()
            .any(|word| word.starts_with('-') && !word.starts_with("--") && word.contains(letter))
    };
    let harms = match (global.first(), words.first().copied().unwrap_or_default()) {
        ("compose", _) => {
            if composed(shell, state, &rest, &command.stdin) {
                return Some(Data::hidden());
            }
            compose(&words)
        }
        ("system", "reset") => true,
        ("system" | "volume" | "builder" | "image" | "buildx", "prune") => {
            global.first() == "volume"
                || (has("--volumes")
                    || ((has("--all") || letter('a')) && global.first() == "system"))
        }
        (
            "volume" | "secret" | "stack" | "service" | "swarm" | "node" | "context" | "network",
            "rm" | "remove" | "leave",
        ) => {
            !matches!(global.first(), "network" | "context")
                || words.iter().any(|word| word.contains(mark::is_unknown))
        }
        ("rm" | "kill" | "stop" | "rmi", _)
        | ("container" | "image", "rm" | "kill" | "stop" | "prune") => {
            // All of them: the list is made by another command.
            words.iter().any(|word| {
                word.chars()
                    .any(|c| mark::is_unknown(c) && c != mark::UNSET)
            }) && (letter('f') || has("--force") || global.first() != "stop")
        }
        ("exec" | "run", _) => {
            inside(shell, state, global.first(), &rest, &command.stdin);
            return Some(Data::hidden());
        }
        ("ps" | "images" | "container" | "volume", _)
            if global.first() == "ps" || has("ls") || global.first() == "images" =>
        {
            return Some(Data::text(mark::UNKNOWN.to_string()));
        }
        _ => false,
    };
    if harms {
        let target = joined(command.words).chars().take(80).collect();
        shell.act(Act::Infrastructure {
            program: command.name.to_owned(),
            target,
        });
        return Some(Data::default());
    }
    None
}

/// What runs in a container: done there, unless it has a folder of this machine.
fn inside(shell: &mut Shell<'_>, state: &mut State, name: &str, rest: &[String], stdin: &Data) {
    let valued = [
        "e",
        "env",
        "u",
        "user",
        "w",
        "workdir",
        "v",
        "volume",
        "p",
        "publish",
        "name",
        "mount",
        "network",
        "net",
        "h",
        "hostname",
        "entrypoint",
        "m",
        "memory",
        "cpus",
        "l",
        "label",
        "env-file",
        "platform",
        "gpus",
        "add-host",
        "cap-add",
        "device",
        "restart",
        "pid",
        "shm-size",
        "ipc",
        "userns",
        "security-opt",
        "tmpfs",
        "pull",
        "dns",
        "log-driver",
    ];
    let args = Args::leading(rest, &valued);
    let mut argv = args.command(1);
    if let Some(program) = args.value(&["entrypoint"]) {
        argv.insert(0, program.to_owned());
    }
    if name == "exec" {
        // What it sees of this machine is not known: everything counts as the machine's own.
        shell.invoke(state, argv, stdin.clone());
        return;
    }
    // In a container of its own only what leaves it counts.
    let mut there = State::container(INSIDE);
    for mount in args.values(&["v", "volume", "mount"]) {
        let Some((from, to)) = mounted(mount) else {
            continue;
        };
        let from = shell.path(state, from);
        if from.scope == Scope::Root && !mount.ends_with(":ro") && !mount.contains("readonly") {
            shell.act(Act::Disarm {
                what: "a container that has the whole machine".to_owned(),
            });
        }
        there
            .links
            .push((to.trim_end_matches('/').to_owned(), from.resolved));
    }
    let is_host =
        |word: &String| matches!(word.as_str(), "--pid=host" | "--ipc=host" | "--userns=host");
    if rest.iter().any(is_host) && rest.iter().any(|word| word == "--privileged") {
        shell.act(Act::Disarm {
            what: "a container that is not kept from the machine".to_owned(),
        });
    }
    // Of an image of which no program is named, its own runs.
    let told: Vec<String> = [name, args.first()]
        .into_iter()
        .map(str::to_owned)
        .chain(argv.iter().cloned())
        .collect();
    super::executes(shell, "docker", &told);
    if argv.is_empty() {
        return;
    }
    shell.invoke(&mut there, argv, stdin.clone());
}

/// Where a container has its own files.
const INSIDE: &str = "/tmp/container";

/// What of this machine is seen where: `/src:/app:ro`, `type=bind,source=/src,target=/app`. A volume is none.
fn mounted(mount: &str) -> Option<(&str, &str)> {
    let member = |names: &[&str]| {
        let mut members = mount.split(',').filter_map(|member| member.split_once('='));
        members.find_map(|(name, value)| names.contains(&name).then_some(value))
    };
    let (from, to) = match member(&["source", "src"]) {
        Some(from) => (from, member(&["target", "dst", "destination"])?),
        None => {
            let (from, rest) = mount.split_once(':')?;
            (from, rest.split(':').next()?)
        }
    };
    from.starts_with(['/', '.', '~']).then_some((from, to))
}
