//! Containers: what is run in them, and what of the machine they are given.

use super::{
    Args, Command, agents,
    args::joined,
    compositions::{compose, composed},
    described, images,
};
use crate::policy::effects::{
    Act, PathRef, Scope, mark,
    shell::{Data, Shell, State},
};

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
    let is_unknown = || {
        words.iter().any(|word| {
            word.chars()
                .any(|c| mark::is_unknown(c) && c != mark::UNSET)
        })
    };
    let harms = match (global.first(), words.first().copied().unwrap_or_default()) {
        ("compose", _) => {
            if composed(shell, state, &rest, &command.stdin) {
                return Some(Data::hidden());
            }
            compose(shell, state, &rest)
        }
        ("system", "reset") | ("machine", "rm" | "reset") => true,
        ("system" | "volume" | "builder" | "image" | "buildx", "prune") => {
            global.first() == "volume"
                || (has("--volumes")
                    || ((has("--all") || letter('a')) && global.first() == "system"))
        }
        (
            "volume" | "secret" | "stack" | "service" | "swarm" | "node" | "context" | "network",
            "rm" | "remove" | "leave",
        ) => !matches!(global.first(), "network" | "context") || is_unknown(),
        ("rm" | "kill" | "stop" | "rmi", _)
        | ("container" | "image", "rm" | "kill" | "stop" | "prune") => {
            // All of them: the list is made by another command.
            let is_whole_name = |word: &&str| {
                let unknown = |c| mark::is_unknown(c) && c != mark::UNSET;
                word.contains(unknown) && word.chars().all(|c| unknown(c) || c.is_whitespace())
            };
            words.iter().any(is_whole_name)
                && (letter('f') || has("--force") || global.first() != "stop")
        }
        ("exec" | "run" | "create", _) | ("container", "exec" | "run" | "create") => {
            let (name, rest) = match global.first() {
                "container" => (words.first().copied().unwrap_or_default(), rest.get(1..)),
                name => (name, Some(rest.as_slice())),
            };
            let rest = rest.unwrap_or_default();
            let mut own = command.words.to_vec();
            own.retain(|word| !word.starts_with("-v") && !word.contains("source="));
            let is_own = name == "exec"
                && container(rest).is_some_and(|name| shell.made.has("container", name));
            if name == "exec" {
                return Some(inside(shell, state, name, rest, &command.stdin, is_own));
            }
            shell.made.is_own("docker", &own);
            published(shell, rest);
            let named = Args::of(rest, &["name"])
                .value(&["name"])
                .map(str::to_owned);
            let named = named.unwrap_or_else(|| STARTED.to_owned());
            shell.made.remember("container", &named);
            if name == "run" {
                inside(shell, state, name, rest, &command.stdin, false);
            }
            // With `-d` its number is told.
            let is_told = name == "create"
                || has("--detach")
                || has("-d")
                || has("-dit")
                || has("-itd")
                || has("-td");
            return Some(if is_told {
                Data::text(STARTED)
            } else {
                Data::hidden()
            });
        }
        ("build", _) | ("buildx" | "image" | "builder", "build") => {
            described::image(shell, state, &rest, &command.stdin);
            false
        }
        ("cp", _) | ("container", "cp") => {
            copied(shell, state, &rest);
            return Some(Data::default());
        }
        ("ps" | "images" | "container" | "volume", _)
            if global.first() == "ps" || has("ls") || global.first() == "images" =>
        {
            return Some(Data::text(mark::UNKNOWN.to_string()));
        }
        ("volume", "create") => {
            shell.made.is_own("docker", command.words);
            let args = Args::of(&rest, &["d", "driver", "o", "opt", "label", "name"]);
            let name = args.nth(1);
            return Some(if name.is_empty() {
                Data::hidden()
            } else {
                Data::text(name)
            });
        }
        _ => false,
    };
    let is_own = shell.made.is_own("docker", command.words);
    if harms && !is_own {
        let target = joined(command.words).chars().take(80).collect();
        shell.act(Act::Infrastructure {
            program: command.name.to_owned(),
            target,
        });
        return Some(Data::default());
    }
    None
}

/// What a container is called that has been started here without a name.
const STARTED: &str = "started-here";

/// The container that a command is for.
fn container(rest: &[String]) -> Option<&str> {
    Args::leading(rest, VALUED).operands.first().copied()
}

/// Ports of this machine behind which a container is that has been started here: `-p 127.0.0.1:5499:5432`.
pub(super) fn published(shell: &mut Shell<'_>, words: &[String]) {
    for port in Args::of(words, &["p", "publish"]).values(&["p", "publish"]) {
        let mut parts = port.rsplit(':').skip(1);
        if let Some(port) = parts.next().filter(|port| port.parse::<u16>().is_ok()) {
            shell.made.remember("port", port);
        }
    }
}

/// `docker cp`: one side is a file of this machine.
fn copied(shell: &mut Shell<'_>, state: &State, rest: &[String]) {
    let args = Args::of(rest, &[]);
    let mut files: Vec<&str> = args.operands.clone();
    files.retain(|file| *file != "cp");
    let [from, to] = files.as_slice() else {
        return;
    };
    let side = |file: &str| match file.split_once(':') {
        Some((name, path)) if !name.contains('/') => {
            shell.path(state, &format!("{INSIDE}/{}", path.trim_start_matches('/')))
        }
        _ => shell.path(state, file),
    };
    let (from, to) = (side(from), side(to));
    shell.act(Act::Copy { from, to });
}

/// What runs in a container: done there, unless it has a folder of this machine.
pub(super) fn inside(
    shell: &mut Shell<'_>,
    state: &mut State,
    name: &str,
    rest: &[String],
    stdin: &Data,
    is_own: bool,
) -> Data {
    let args = Args::leading(rest, VALUED);
    let mut argv = args.command(1);
    if let Some(program) = args.value(&["entrypoint"]) {
        argv.insert(0, program.to_owned());
    } else if let Some(program) = images::program(args.first(), &argv).filter(|_| name != "exec") {
        argv.insert(0, program.to_owned());
    }
    if name != "exec" && agents::starts(&argv) && !images::leads(&args) {
        // What is set here does not hold there.
        shell.act(Act::Environment {
            name: "*".to_owned(),
            value: None,
        });
    }
    if name == "exec" && !is_own {
        // What it sees of this machine is not known: everything counts as the machine's own.
        return written(&shell.invoke(state, argv, stdin.clone()));
    }
    // In a container of its own only what leaves it counts.
    let mut there = State::container(INSIDE);
    let mut is_closed = true;
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
        is_closed &= matches!(from.scope, Scope::Project | Scope::Below | Scope::Temporary);
        there
            .links
            .push((to.trim_end_matches('/').to_owned(), from.resolved));
    }
    for (name, value) in args
        .values(&["e", "env"])
        .filter_map(|pair| pair.split_once('='))
    {
        there.set(name, vec![value.to_owned()]);
    }
    if let Some(folder) = args.value(&["w", "workdir"]) {
        there.cwd = folder.to_owned();
    }
    let is_host = |word: &String| {
        let namespaces = ["--pid", "--ipc", "--userns", "--net", "--network", "--uts"];
        namespaces
            .iter()
            .any(|name| word.strip_prefix(name).is_some_and(|how| how == "=host"))
    };
    let is_privileged = rest
        .iter()
        .any(|word| word == "--privileged" || word.starts_with("--cap-add"));
    let has_machine =
        |word: &String| matches!(word.as_str(), "--pid=host" | "--ipc=host" | "--userns=host");
    if is_privileged && (rest.iter().any(has_machine) || args.value(&["pid"]) == Some("host")) {
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
    is_closed &= !is_privileged && !rest.iter().any(is_host);
    if argv.is_empty() {
        return Data::hidden();
    }
    let before = shell.count();
    let out = shell.invoke(&mut there, argv, stdin.clone());
    if is_closed {
        shell.keep(before, |act| leaves(act, is_own));
    }
    written(&out)
}

/// Something comes out of a container, and nobody knows what; but of which kind it is.
fn written(out: &Data) -> Data {
    Data {
        is_content: out.is_content,
        is_private: out.is_private,
        is_secret: out.is_secret,
        ..Data::hidden()
    }
}

/// Whether what is done in a container is felt outside of it.
fn leaves(act: &Act, is_own: bool) -> bool {
    let is_inside = |path: &PathRef| path.is_within(INSIDE);
    match act {
        Act::Write { path, .. }
        | Act::Delete { path, .. }
        | Act::Read { path }
        | Act::Permissions { path, .. } => !is_inside(path),
        Act::Move { from, to } | Act::Copy { from, to } => !is_inside(from) || !is_inside(to),
        // Files that run later lie where they lie; accounts are the container's.
        Act::Persist { target, .. } => {
            target.starts_with(['/', '~', '.']) && !target.starts_with(INSIDE)
        }
        Act::Process { .. }
        | Act::CoverTracks { .. }
        | Act::Disarm { .. }
        | Act::Environment { .. } => false,
        // What has just been started has no data that anybody misses; a client alone asks another.
        Act::Database { .. } => !is_own,
        _ => true,
    }
}

/// Options that have a value.
const VALUED: &[&str] = &[
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
    "cap-drop",
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
    "log-opt",
    "ulimit",
    "health-cmd",
    "health-interval",
    "health-retries",
    "health-timeout",
    "volumes-from",
    "expose",
    "cidfile",
    "group-add",
    "sysctl",
    "runtime",
    "memory-swap",
    "pids-limit",
    "cgroupns",
    "detach-keys",
    "index",
    "stop-timeout",
    "stop-signal",
    "network-alias",
    "ip",
    "cpu-shares",
    "cpuset-cpus",
    "link",
    "domainname",
    "workdir",
    "annotation",
    "uts",
];

/// Where a container has its own files.
pub(super) const INSIDE: &str = "/tmp/container";

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
