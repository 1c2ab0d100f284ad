//! Programs of which the words behind their own are a command.

use super::super::{Args, Command, executes, languages, mark_code, wrappers::is_assignment};
use crate::policy::effects::{
    Act,
    shell::{Data, Shell, State},
};

/// Names of programs, the words behind which a command stands, options with values, and how many words of their own stand
/// between.
type Row = (
    &'static [&'static str],
    &'static [&'static str],
    &'static [&'static str],
    usize,
);

/// Programs that run the words behind some of theirs.
const BEHIND: &[Row] = &[
    (&["perf"], &["stat"], PERF, 0),
    (&["perf"], &["record"], PERF, 0),
    (&["perf"], &["trace"], PERF, 0),
    (&["ip"], &["netns", "exec"], &["n"], 1),
    (
        &["uv", "rye", "pdm", "hatch", "pixi", "volta", "devbox"],
        &["run"],
        &[
            "with",
            "python",
            "p",
            "extra",
            "group",
            "env-file",
            "e",
            "directory",
            "project",
        ],
        0,
    ),
    (
        &["conda", "mamba", "micromamba"],
        &["run"],
        &["n", "name", "p", "prefix", "cwd"],
        0,
    ),
    (
        &[
            "asdf", "rbenv", "pyenv", "nodenv", "goenv", "jenv", "fnm", "phpenv", "plenv",
        ],
        &["exec"],
        &["using"],
        0,
    ),
    (&["toolbox", "flatpak"], &["run"], &["c", "container"], 0),
    (&["distrobox"], &["enter"], &["n", "name"], 1),
    (&["distrobox-enter"], &[], &["n", "name"], 1),
    (
        &["limactl", "multipass", "orb"],
        &["shell"],
        &["workdir"],
        1,
    ),
    (
        &["multipass", "lxc", "incus"],
        &["exec"],
        &["working-directory"],
        1,
    ),
    (ALONE, &[], &["e", "f", "p", "u", "w", "d"], 0),
    (&["podman", "buildah"], &["unshare"], &[], 0),
    (&["choom"], &[], &["n", "adjust"], 0),
    (&["runcon"], &[], &["u", "r", "t", "l"], 1),
    (&["envchain"], &[], &[], 1),
    (&["direnv"], &["exec"], &[], 1),
    (&["xdotool"], &["exec"], &[], 0),
    (&["mise", "rtx"], &["x"], &[], 0),
    (&["nix"], &["develop", "-c"], &[], 0),
    (&["nix"], &["develop", "--command"], &[], 0),
    (&["nix"], &["shell", "-c"], &[], 0),
    (&["nix"], &["shell", "--command"], &[], 0),
    (&["just"], &["--command"], &["f", "justfile", "d"], 0),
    (&["just"], &["-c"], &["f", "justfile", "d"], 0),
    (&["guix"], &["shell", "--"], &[], 0),
    (
        &[
            "gnome-terminal",
            "wezterm",
            "berglas",
            "vault",
            "tsh",
            "capsh",
        ],
        &["--"],
        &[],
        0,
    ),
    (
        &["envconsul", "consul-template"],
        &[],
        &["secret", "prefix", "upcase", "config"],
        0,
    ),
    (
        &["systemd-inhibit", "systemd-nspawn"],
        &[],
        &["what", "who", "why", "mode", "D", "M"],
        0,
    ),
];
const PERF: &[&str] = &["e", "o", "p", "F", "g", "C", "r"];
/// Those that run whatever they are given.
const ALONE: &[&str] = &[
    "lima",
    "flatpak-spawn",
    "eatmydata",
    "fakechroot",
    "with-contenv",
    "s6-setuidgid",
    "ifne",
    "shx",
    "summon",
    "kitty",
    "foot",
    "cage",
    "gamescope",
    "heaptrack",
    "coz",
    "cross-env",
    "env-cmd",
    "tsocks",
    "torify",
    "linux32",
    "linux64",
    "softlimit",
    "trickle",
    "primusrun",
    "optirun",
    "prime-run",
    "gamemoderun",
    "mangohud",
];

/// Programs of which the words behind their own are a command; `None` if this is none.
pub(in super::super) fn run(
    shell: &mut Shell<'_>,
    state: &mut State,
    command: &Command<'_>,
) -> Option<Data> {
    let words = command.words;
    match (
        command.name,
        words.first().map(String::as_str).unwrap_or_default(),
    ) {
        ("cmake", "-E") => return multiple(shell, state, command, words.get(1..)?),
        ("coreutils" | "busybox" | "toybox" | "uutils" | "sbase-box", first)
            if first.starts_with("--coreutils-prog=") =>
        {
            let argv = words.iter().enumerate().map(|(at, word)| match at {
                0 => word.trim_start_matches("--coreutils-prog=").to_owned(),
                _ => word.clone(),
            });
            return Some(shell.invoke(state, argv.collect(), command.stdin.clone()));
        }
        ("coreutils" | "uutils" | "sbase-box", _) => {
            return Some(shell.invoke(state, words.to_vec(), command.stdin.clone()));
        }
        // What is in a file of keys is in variables then.
        ("sops", "exec-env" | "exec-file") => {
            let args = Args::of(words, &["user", "input-type", "output-type"]);
            let path = shell.path(state, args.nth(1));
            shell.act(Act::Read { path });
            let code = mark_code(args.nth(2));
            let mut inner = state.clone();
            return Some(shell.text(&mut inner, &code, &Data::default()));
        }
        ("gh" | "glab", "alias") => {
            let is_shell = |word: &String| matches!(word.as_str(), "--shell" | "-s");
            let named: Vec<&String> = words.iter().filter(|word| !word.starts_with('-')).collect();
            if let [_, verb, _, code, ..] = named.as_slice()
                && *verb == "set"
            {
                let code = code
                    .strip_prefix('!')
                    .or_else(|| words.iter().any(is_shell).then_some(code.as_str()));
                if let Some(code) = code {
                    shell.text(state, &mark_code(code), &Data::default());
                }
            }
            return None;
        }
        _ => {}
    }
    let fits = |(names, verbs, ..): &&Row| {
        let mut rest = words.iter();
        names.contains(&command.name) && verbs.iter().all(|verb| rest.any(|word| word == verb))
    };
    let (_, verbs, valued, skip) = BEHIND.iter().find(fits)?;
    let at = match verbs.last() {
        Some(last) => words.iter().position(|word| word == last)? + 1,
        None => 0,
    };
    let args = Args::leading(words.get(at..)?, valued);
    let mut argv = args.command(*skip);
    // `a -- b`
    if argv.first().is_some_and(|word| word == "--") {
        argv.remove(0);
    }
    while argv.first().is_some_and(|word| is_assignment(word)) {
        let word = argv.remove(0);
        let (name, value) = word.split_once('=').unwrap_or_default();
        shell.assigned(state, name, vec![value.to_owned()]);
    }
    if argv.is_empty() {
        return None;
    }
    if command.name == "capsh" {
        argv = ["bash".to_owned()]
            .into_iter()
            .chain(words.iter().skip(at).cloned())
            .collect();
    }
    // A module, or a script of its own.
    if argv.first().is_some_and(|word| {
        word.starts_with('-') || languages::known(word).is_some() && argv.len() < 2
    }) {
        return None;
    }
    executes(shell, command.name, words);
    Some(shell.invoke(state, argv, command.stdin.clone()))
}

/// `cmake -E`: programs for files, by other names.
fn multiple(
    shell: &mut Shell<'_>,
    state: &mut State,
    command: &Command<'_>,
    words: &[String],
) -> Option<Data> {
    let (name, rest) = words.split_first()?;
    let program: &[&str] = match name.as_str() {
        "copy" | "copy_if_different" | "copy_if_newer" => &["cp"],
        "copy_directory" | "copy_directory_if_different" | "copy_directory_if_newer" => {
            &["cp", "-r"]
        }
        "rm" => &["rm"],
        "remove" => &["rm", "-f"],
        "remove_directory" => &["rm", "-r"],
        "rename" => &["mv"],
        "create_symlink" => &["ln", "-s"],
        "create_hardlink" => &["ln"],
        "touch" | "touch_nocreate" => &["touch"],
        "make_directory" => &["mkdir", "-p"],
        "cat" => &["cat"],
        "echo" | "echo_append" => &["echo"],
        "tar" => &["tar"],
        "env" => &["env"],
        "time" => &["time"],
        "chdir" => &["env", "-C"],
        _ => return None,
    };
    let argv = program
        .iter()
        .map(|word| (*word).to_owned())
        .chain(rest.iter().cloned());
    Some(shell.invoke(state, argv.collect(), command.stdin.clone()))
}
