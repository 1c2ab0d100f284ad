//! Programs for something else that are told to run a command: by an option, by a setting, or in words of their own.

mod behind;
mod editors;

pub(super) use self::{behind::run, editors::edited};
use super::{Command, mark_code};
use crate::policy::effects::shell::{Data, Shell, State};

/// How many values of options are looked at.
const MOST: usize = 32;

/// Programs, and options of theirs whose value is a command.
const OPTIONS: &[(&[&str], &[&str])] = &[
    (&["man", "apropos"], &["P", "pager"]),
    (&["tcpdump"], &["z"]),
    (&["wget", "wget2"], &["use-askpass"]),
    (&["scp", "sftp"], &["S"]),
    (&["npm", "pnpm", "yarn", "npx"], &["script-shell", "shell"]),
    (&["go"], &["exec", "toolexec"]),
    (&["nix-shell"], &["run", "command"]),
    (&["split", "gsplit"], &["filter"]),
    (&["sort", "gsort"], &["compress-program"]),
    (&["sg"], &["c"]),
    (&["mapfile", "readarray", "complete"], &["C"]),
    (&["doppler", "infisical", "phase"], &["command"]),
    (
        &["nodemon", "watchexec", "chokidar"],
        &["exec", "x", "c", "command"],
    ),
    (
        &["aria2c"],
        &[
            "on-download-complete",
            "on-download-start",
            "on-download-error",
        ],
    ),
    (
        &["gcc", "g++", "clang", "clang++", "cc", "c++"],
        &["wrapper"],
    ),
    (&["ffmpeg", "mpv"], &["input-commands"]),
    (&["fzf", "sk"], &["preview", "bind"]),
    (&["mutt", "neomutt", "mailx"], &["e"]),
    (
        &[
            "xterm",
            "urxvt",
            "st",
            "alacritty",
            "konsole",
            "xfce4-terminal",
            "terminator",
            "gnome-terminal",
        ],
        &["e", "x", "command"],
    ),
    (&["hg"], &["config"]),
];

/// What a program is told to run, whatever it does beside that.
pub(super) fn runs(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) {
    let words = command.words;
    for (_, options) in OPTIONS
        .iter()
        .filter(|(names, _)| names.contains(&command.name))
    {
        let args = command.args(options);
        for code in args.values(options).take(MOST) {
            // `alias.x=!code`, `execute:code`
            let code = code.split_once("=!").map_or(code, |(_, code)| code);
            let code = code.split_once("execute:").map_or(code, |(_, code)| code);
            shell.text(state, &mark_code(code), &command.stdin);
        }
    }
    for word in words.iter().take(MOST) {
        let next = || words.iter().skip_while(|other| *other != word).nth(1);
        let code = match command.name {
            "less" | "more" | "most" => word.strip_prefix("+!").or_else(|| word.strip_prefix("+&")),
            "java" => ["-XX:OnError=", "-XX:OnOutOfMemoryError="]
                .iter()
                .find_map(|start| word.strip_prefix(start)),
            // Hooks of package managers: `DPkg::Pre-Invoke::=x`
            "apt" | "apt-get" | "aptitude" | "apt-cache" => {
                let setting = word
                    .strip_prefix("-o")
                    .filter(|setting| !setting.is_empty());
                let setting =
                    setting.or_else(|| next().filter(|_| word == "-o").map(String::as_str));
                setting
                    .filter(|setting| setting.to_ascii_lowercase().contains("invoke"))
                    .and_then(|setting| setting.split_once('='))
                    .map(|(_, code)| code)
            }
            "rpm" | "rpmbuild" | "rpmspec" => word
                .split_once("%(")
                .map(|(_, code)| code.trim_end_matches(')')),
            "cargo" => {
                let setting = word.split_once('=').filter(|(name, _)| {
                    [
                        "rustc-wrapper",
                        "rustc-workspace-wrapper",
                        ".runner",
                        "build.rustc",
                        ".linker",
                        "credential-provider",
                    ]
                    .iter()
                    .any(|key| name.ends_with(key))
                });
                setting.map(|(_, code)| code.trim_matches(['"', '\'']))
            }
            "dc" => word.strip_prefix('!'),
            _ => None,
        };
        if let Some(code) = code {
            shell.text(state, &mark_code(code), &Data::default());
        }
    }
    match command.name {
        "concurrently" | "npm-run-all" | "wireit" => {
            for code in words.iter().filter(|word| word.contains(' ')).take(MOST) {
                shell.text(state, &mark_code(code), &Data::default());
            }
        }
        "newgrp" | "ftp" | "telnet" | "mail" | "mailx" | "sqlplus" | "dc" | "groff" | "troff" => {
            spoken(shell, state, command);
        }
        _ => {}
    }
    texts(shell, state, command);
}

/// Lines of a session in which a command stands: `!ls`, `~!ls`, `.sy ls`.
fn spoken(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) {
    let text = command.stdin.text.as_deref().unwrap_or_default();
    if command.name == "newgrp" {
        shell.text(state, text, &Data::default());
        return;
    }
    let starts = ["!", "~!", ".sy ", ".pso ", "host "];
    let codes = text.lines().filter_map(|line| {
        let line = line.trim();
        starts.iter().find_map(|start| line.strip_prefix(start))
    });
    for code in codes.take(MOST) {
        shell.text(state, code, &Data::default());
    }
}

/// Texts that are set, and may run something while they are: `\write18{ls}`, `\input{|ls}`.
fn texts(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) {
    const SETTERS: &[&str] = &[
        "pdflatex", "latex", "xelatex", "lualatex", "tex", "pdftex", "luatex", "latexmk",
        "context", "tectonic", "xetex",
    ];
    if !SETTERS.contains(&command.name) {
        return;
    }
    let is_allowed = command.words.iter().any(|word| {
        let word = word.trim_start_matches('-');
        matches!(
            word,
            "shell-escape" | "enable-write18" | "Z" | "shell-restricted"
        ) || word.contains("shell-escape")
    });
    if !is_allowed && !command.name.starts_with("lua") {
        return;
    }
    let mut given: Vec<String> = command
        .words
        .iter()
        .filter(|word| word.contains('\\'))
        .cloned()
        .collect();
    given.extend(command.stdin.text.clone());
    for file in command
        .words
        .iter()
        .filter(|word| !word.starts_with(['-', '\\']))
        .take(MOST)
    {
        for name in [file.clone(), format!("{file}.tex")] {
            let path = shell.path(state, &name).resolved;
            given.extend(state.files.get(&path).and_then(|data| data.text.clone()));
        }
    }
    for text in given {
        for start in [
            "\\write18{",
            "write18 {",
            "\\ShellEscape{",
            "\\input{|",
            "\\input|",
            "os.execute(",
        ] {
            for (_, rest) in text
                .match_indices(start)
                .take(MOST)
                .filter_map(|(at, found)| Some((at, text.get(at + found.len()..)?)))
            {
                let end = rest.find(['}', ')']).unwrap_or(rest.len());
                let code = rest.get(..end).unwrap_or_default();
                shell.text(state, code.trim_matches(['"', '\'']), &Data::default());
            }
        }
    }
}
