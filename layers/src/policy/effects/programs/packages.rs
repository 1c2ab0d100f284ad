//! Package managers, and programs that write code for shells.

use super::{Command, args::joined};
use crate::policy::effects::{
    Act, Persist,
    shell::{Data, Shell, State},
};

/// Programs whose output is meant for `eval`.
const FOR_SHELLS: &[&str] = &[
    "ssh-agent",
    "direnv",
    "pyenv",
    "rbenv",
    "nodenv",
    "goenv",
    "jenv",
    "brew",
    "starship",
    "zoxide",
    "fnm",
    "opam",
    "conda",
    "mamba",
    "mise",
    "rtx",
    "asdf",
    "docker-machine",
    "dircolors",
    "minikube",
    "thefuck",
    "keychain",
    "gpg-agent",
    "atuin",
    "register-python-argcomplete",
    "lesspipe",
    "resize",
    "tset",
    "oh-my-posh",
    "micromamba",
    "nvm",
    "carapace",
    "locale",
    "fzf",
];

/// Whether what a program writes is code for shells.
pub(super) fn writes_for_shells(name: &str, words: &[String]) -> bool {
    let completes =
        |word: &String| word.contains("completion") || word == "shellenv" || word == "print-env";
    FOR_SHELLS.contains(&name) || words.iter().any(completes)
}

pub(super) fn run(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) -> Option<Data> {
    let words = command.words;
    let text = joined(words);
    let is_web = |word: &&String| {
        word.contains("http://")
            || word.contains("https://")
            || word.starts_with("git+")
            || word.starts_with("ftp://")
    };
    match command.name {
        "pip" | "pip3" | "pipx" | "uv" | "easy_install" | "uvx"
            if words
                .iter()
                .any(|word| matches!(word.as_str(), "install" | "add" | "run" | "tool"))
                || command.name == "uvx"
                || command.name == "easy_install" =>
        {
            // An index is no package.
            let mut before = "";
            for word in words {
                let is_index = matches!(
                    before,
                    "-i" | "--index-url"
                        | "--extra-index-url"
                        | "--find-links"
                        | "-f"
                        | "--proxy"
                        | "-c"
                        | "--index"
                        | "--default-index"
                        | "--trusted-host"
                ) || word.starts_with("--index-url=")
                    || word.starts_with("--extra-index-url=");
                if is_web(&word) && !is_index && !is_well_known(word) {
                    let from = super::host(word.trim_start_matches("git+"))
                        .unwrap_or_else(|| "?".to_owned());
                    shell.act(Act::RunRemote { from });
                }
                before = word;
            }
            None
        }
        "npm"
            if words.first().is_some_and(|word| word == "config")
                && words.iter().any(|word| word.starts_with("script-shell")) =>
        {
            shell.act(Act::Persist {
                what: Persist::Startup,
                target: text,
            });
            Some(Data::default())
        }
        "npm" | "pnpm" if words.first().is_some_and(|word| word == "pkg") => {
            // A script of the package is for being run.
            for code in words.iter().filter(|word| word.starts_with("scripts.")) {
                if let Some((_, code)) = code.split_once('=') {
                    shell.text(state, &super::mark_code(code), &Data::default());
                }
            }
            None
        }
        "npm" | "pnpm" | "yarn" if matches!(words, [exec, code] if exec == "exec" && code.contains(' ')) =>
        {
            let code = words.last().map(String::as_str).unwrap_or_default();
            Some(shell.text(state, &super::mark_code(code), &Data::default()))
        }
        "npx" | "bunx" | "pnpx" | "npm" | "pnpm" | "yarn" | "bun" | "gem" | "go" | "deno"
        | "cargo" => {
            let runs = matches!(command.name, "npx" | "bunx" | "pnpx")
                || words.first().is_some_and(|word| {
                    matches!(
                        word.as_str(),
                        "dlx" | "exec" | "x" | "install" | "i" | "add" | "run"
                    )
                });
            if runs {
                // What is run is the first of them; the others are its own.
                let most = match command.name {
                    "npx" | "bunx" | "pnpx" => words
                        .iter()
                        .position(|word| !word.starts_with('-'))
                        .map_or(words.len(), |at| at + 1),
                    _ => words.len(),
                };
                let url = words
                    .iter()
                    .take(most)
                    .filter(|word| !word.starts_with("--registry") && !word.starts_with("--source"))
                    .find(is_web);
                let before = url
                    .and_then(|url| words.iter().position(|word| word == url))
                    .and_then(|at| words.get(at.checked_sub(1)?));
                let is_index = before.is_some_and(|before| {
                    matches!(before.as_str(), "--registry" | "--source" | "--index")
                });
                if let Some(url) = url.filter(|url| !is_index && !is_well_known(url)) {
                    let from = super::host(url.trim_start_matches("git+"))
                        .unwrap_or_else(|| "?".to_owned());
                    shell.act(Act::RunRemote { from });
                }
            }
            let (skip, is_runner) = match command.name {
                "npx" | "bunx" | "pnpx" => (0, true),
                "npm" | "pnpm" | "yarn" | "bun" => (
                    1,
                    words
                        .first()
                        .is_some_and(|word| matches!(word.as_str(), "exec" | "dlx" | "x")),
                ),
                _ => (0, false),
            };
            if is_runner {
                let argv: Vec<String> = words
                    .iter()
                    .skip(skip)
                    .skip_while(|word| word.starts_with('-'))
                    .cloned()
                    .collect();
                if let Some(code) = words
                    .iter()
                    .position(|word| matches!(word.as_str(), "-c" | "--call"))
                    .and_then(|at| words.get(at + 1))
                {
                    shell.text(state, code, &Data::default());
                } else if let Some((name, rest)) = argv.split_first() {
                    // `@scope/name@1` is `name`.
                    let name = name
                        .trim_start_matches('@')
                        .split('@')
                        .next()
                        .and_then(|name| name.rsplit('/').next())
                        .filter(|name| !name.is_empty() && !name.contains(':'))
                        .unwrap_or(name)
                        .to_owned();
                    let mut argv = vec![name];
                    argv.extend(rest.iter().cloned());
                    if !argv.first().is_some_and(|name| name.contains("://")) {
                        shell.invoke(state, argv, Data::default());
                    }
                }
                return Some(Data::default());
            }
            if matches!(command.name, "npm" | "pnpm" | "yarn" | "cargo" | "gem")
                && words
                    .iter()
                    .take(2)
                    .any(|word| word == "unpublish" || word == "yank")
            {
                shell.act(Act::Infrastructure {
                    program: command.name.to_owned(),
                    target: text,
                });
            }
            None
        }
        // Where a compiler has a library.
        "gcc" | "g++" | "clang" | "clang++" | "cc" | "c++" => words
            .iter()
            .find_map(|word| word.strip_prefix("-print-file-name="))
            .or_else(|| {
                words
                    .iter()
                    .find_map(|word| word.strip_prefix("--print-file-name="))
            })
            .map(|library| Data::text(format!("/usr/lib/{library}"))),
        "poetry" | "pipenv" | "bundle" | "hatch" | "pdm" | "rye" | "pixi" | "mise" | "direnv"
        | "nix-shell" | "conda" | "lerna" | "dotenvx" | "op" | "aws-vault" | "chamber"
        | "infisical"
            if words
                .first()
                .is_some_and(|word| matches!(word.as_str(), "run" | "exec" | "x")) =>
        {
            let argv: Vec<String> = words
                .iter()
                .skip(1)
                .skip_while(|word| word.starts_with('-'))
                .cloned()
                .collect();
            Some(shell.invoke(state, argv, Data::default()))
        }
        "brew" | "apt" | "apt-get" | "dnf" | "yum" | "pacman" | "dpkg" | "rpm" | "snap" | "apk"
        | "zypper" => {
            if let Some(url) = words.iter().find(is_web).filter(|url| {
                matches!(
                    command.name,
                    "rpm" | "dnf" | "yum" | "brew" | "zypper" | "pacman"
                ) && !is_well_known(url)
            }) {
                let from = super::host(url).unwrap_or_else(|| "?".to_owned());
                shell.act(Act::RunRemote { from });
            }
            // A package that has come from elsewhere runs code as root.
            for word in words {
                let path = shell.path(state, word).resolved;
                let from = state.files.get(&path).and_then(|data| data.remote.clone());
                if let Some(from) = from {
                    shell.act(Act::RunRemote { from });
                }
            }
            let vital = [
                "libc6",
                "glibc",
                "bash",
                "coreutils",
                "systemd",
                "sudo",
                "linux-image",
                "kernel",
                "openssh-server",
                "dpkg",
                "apt",
                "python3",
                "ubuntu-desktop",
                "init",
            ];
            let removes = words.iter().any(|word| {
                matches!(
                    word.as_str(),
                    "remove"
                        | "purge"
                        | "erase"
                        | "-r"
                        | "-e"
                        | "-P"
                        | "-Rns"
                        | "-R"
                        | "--purge"
                        | "-Rdd"
                        | "--remove"
                )
            });
            let forced = words.iter().any(|word| {
                matches!(
                    word.as_str(),
                    "--force-all" | "--nodeps" | "--allow-remove-essential" | "-Rdd"
                )
            });
            if removes
                && (forced
                    || words.iter().any(|word| {
                        vital.contains(&word.as_str())
                            || word.starts_with("linux-image")
                            || word.as_str() == "*"
                    }))
            {
                shell.act(Act::Disarm {
                    what: format!("{} {text}", command.name),
                });
            }
            None
        }
        _ => None,
    }
}

/// Places from which people install what they have looked at: they name a repository, not a file.
pub(super) fn is_well_known(url: &str) -> bool {
    let url = url.trim_start_matches("git+").trim_start_matches("-e ");
    let at_host = [
        "https://github.com/",
        "https://gitlab.com/",
        "ssh://git@github.com/",
        "https://bitbucket.org/",
        "https://files.pythonhosted.org/",
        "https://registry.npmjs.org/",
        "https://download.pytorch.org/",
    ];
    at_host.iter().any(|host| url.contains(host)) && !url.contains("/raw/")
}
