//! The machine: its processes, services, accounts and guards.

use super::{Command, args::joined, firewall};
use crate::policy::effects::{
    Act, Persist, Process, mark,
    shell::{Data, Shell, State},
};

pub(super) fn run(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) -> Option<Data> {
    let words = command.words;
    let text = joined(words);
    let has = |word: &str| words.iter().any(|given| given == word);
    let starts = |start: &str| text.starts_with(start);
    let process = |what: Process, target: &str| Act::Process {
        what,
        target: target.to_owned(),
    };
    let persist = |what: Persist| Act::Persist {
        what,
        target: text.chars().take(80).collect(),
    };
    let act = match command.name {
        "kill" => {
            // The signal looks like an option; `-1` as a process means all.
            let targets: Vec<&String> = words
                .iter()
                .skip_while(|word| word.starts_with('-') && *word != "--")
                .skip(usize::from(has("-s") || has("-n") || has("--signal")))
                .collect();
            let signal = words.first().is_some_and(|word| word.starts_with('-'));
            let all = if signal {
                words.iter().skip(1).any(|word| word == "-1")
            } else {
                has("-1")
            } || targets.iter().any(|word| matches!(word.as_str(), "-1"));
            let init = targets
                .iter()
                .any(|word| matches!(word.as_str(), "1" | "0"))
                && !has("-0")
                && !has("-l");
            let is_any = |part: fn(char) -> bool| targets.iter().any(|word| word.contains(part));
            let is_listed = shell.lists_all && !shell.made.has("listed", "branches");
            let everybody = is_any(mark::is_unknown) && is_listed || is_any(mark::is_glob);
            process(
                if all || init || everybody {
                    Process::KillAll
                } else {
                    Process::Kill
                },
                &text,
            )
        }
        "killall" | "killall5" | "pkill" | "skill" | "xkill" | "slay" => {
            // Whose they are, and where they run, says nothing of which they are.
            let args = command.args(&[
                "u", "U", "user", "euid", "uid", "G", "group", "g", "pgroup", "t", "terminal", "P",
                "parent", "s", "signal", "session",
            ]);
            let target = args.operands.last().copied().unwrap_or_default().to_owned();
            let is_all = command.name == "killall5"
                || target.len() < 2
                || target.starts_with(['.', '*', '^']) && target.len() < 4
                || words
                    .iter()
                    .any(|word| matches!(word.as_str(), "-v" | "--inverse" | "-r" | "--regexp"));
            let target = target.to_lowercase();
            let vital = [
                "sshd",
                "ssh",
                "init",
                "systemd",
                "bash",
                "sh",
                "zsh",
                "python",
                "python3",
                "node",
                "java",
                "postgres",
                "mysqld",
                "mysql",
                "nginx",
                "docker",
                "dockerd",
                "containerd",
                "loginwindow",
                "finder",
                "windowserver",
                "xorg",
                "gnome-shell",
                "claude",
                "codex",
                "cron",
                "login",
                "apache2",
                "httpd",
                "kubelet",
                "redis-server",
                "mongod",
                "launchd",
                "dock",
            ];
            let is_exact =
                words.iter().any(|word| word == "-f") && target.contains([' ', '/', '.', '-']);
            process(
                if is_all || vital.contains(&target.as_str()) && !is_exact {
                    Process::KillAll
                } else {
                    Process::KillNamed
                },
                &target,
            )
        }
        "ps" | "pgrep" | "pidof" | "lsof" | "fuser" => {
            if command.name == "fuser"
                && (has("-k") || has("-km") || has("-mk"))
                && words.iter().any(|word| word == "/")
            {
                shell.act(process(Process::KillAll, &text));
            }
            let patterns = command.args(&["u", "U", "g", "P", "t"]).operands;
            let is_everything = patterns.is_empty() || has(".");
            shell.made.forget("listed");
            shell.lists_all = command.name == "ps" || command.name == "pgrep" && is_everything;
            super::executes(shell, command.name, words);
            return Some(Data::text(mark::UNKNOWN.to_string()));
        }
        "dbus-send" | "busctl" | "osascript"
            if ["PowerOff", "Reboot", "Halt", "to shut down", "to restart"]
                .iter()
                .any(|word| text.contains(word)) =>
        {
            process(Process::Shutdown, &text)
        }
        "dbus-send" | "busctl" | "gdbus" | "qdbus"
            if [
                "StopUnit",
                "KillUnit",
                "MaskUnit",
                "DisableUnit",
                "FreezeUnit",
                "TerminateUser",
                "TerminateSession",
                "KillSession",
                "KillUser",
            ]
            .iter()
            .any(|word| text.contains(word)) =>
        {
            process(Process::StopService, &text.replace([':', '"', '\''], " "))
        }
        "dbus-send" | "busctl" | "gdbus" | "qdbus"
            if [
                "EnableUnitFiles",
                "LinkUnitFiles",
                "StartTransientUnit",
                "SetEnvironment",
            ]
            .iter()
            .any(|word| text.contains(word)) =>
        {
            persist(Persist::Service)
        }
        "nmcli" | "ip" | "ifconfig" | "ifdown"
            if has("off") || has("down") || command.name == "ifdown" =>
        {
            process(Process::StopService, &format!("network {text}"))
        }
        "shutdown" | "reboot" | "halt" | "poweroff" | "telinit" | "init" => {
            if has("-c")
                || has("--help")
                || has("-k")
                || (command.name.ends_with("init")
                    && !words
                        .iter()
                        .any(|word| matches!(word.as_str(), "0" | "1" | "6" | "s" | "S")))
            {
                return None;
            }
            process(Process::Shutdown, command.name)
        }
        "systemctl" | "service" | "rc-service" | "launchctl" | "sc" | "loginctl"
        | "supervisorctl" | "chkconfig" | "update-rc.d" | "rc-update" | "initctl" | "sv" => {
            let user = has("--user");
            if starts("list-unit") || starts("--type=service") || text.contains(" list-unit") {
                shell.lists_all = true;
            }
            let is_any = words.iter().any(|word| word.contains(mark::is_unknown));
            // Variables for all services from then on.
            if has("set-environment") {
                for (name, value) in words.iter().filter_map(|word| word.split_once('=')) {
                    super::variable(shell, name, &[value.to_owned()]);
                }
            }
            if has("unset-environment") || has("unsetenv") || has("setenv") {
                let names = words
                    .iter()
                    .skip_while(|word| !word.contains("setenv") && !word.contains("-environment"));
                for name in names.skip(1).filter(|word| !word.starts_with('-')).take(8) {
                    shell.act(Act::Environment {
                        name: name.clone(),
                        value: None,
                    });
                }
            }
            let ends = [
                "stop", "disable", "mask", "kill", "freeze", "isolate", "bootout", "unload",
            ];
            if is_any && shell.lists_all && ends.iter().any(|verb| has(verb)) {
                return Some(Data::default()).inspect(|_| {
                    shell.act(Act::Process {
                        what: Process::KillAll,
                        target: text.clone(),
                    });
                });
            }
            if words.iter().any(|word| {
                matches!(
                    word.as_str(),
                    "poweroff"
                        | "reboot"
                        | "halt"
                        | "kexec"
                        | "suspend"
                        | "hibernate"
                        | "emergency"
                        | "rescue"
                        | "isolate"
                        | "soft-reboot"
                )
            }) {
                process(Process::Shutdown, &text)
            } else if words.iter().any(|word| {
                matches!(
                    word.as_str(),
                    "enable"
                        | "load"
                        | "bootstrap"
                        | "link"
                        | "reenable"
                        | "defaults"
                        | "on"
                        | "add"
                        | "submit"
                        | "enable-linger"
                        | "edit"
                        | "preset"
                        | "preset-all"
                        | "unmask"
                )
            }) && !starts("list")
            {
                units(shell, state, command);
                persist(Persist::Service)
            } else if words.iter().any(|word| {
                matches!(
                    word.as_str(),
                    "stop"
                        | "disable"
                        | "mask"
                        | "kill"
                        | "unload"
                        | "bootout"
                        | "remove"
                        | "off"
                        | "kill-user"
                        | "terminate-user"
                        | "set-default"
                        | "set-property"
                        | "freeze"
                )
            }) {
                if firewall::is_guard(&text) {
                    Act::Disarm { what: text.clone() }
                } else if user {
                    return None;
                } else {
                    process(Process::StopService, &text)
                }
            } else {
                return None;
            }
        }
        "crontab" => {
            let args = command.args(&["u"]);
            if args.has(&["l"]) && !args.has(&["r"]) {
                return Some(Data::hidden());
            }
            if let Some(code) = &command.stdin.text {
                for line in code.lines() {
                    let job: Vec<&str> = line
                        .split_whitespace()
                        .skip(if line.starts_with('@') { 1 } else { 5 })
                        .collect();
                    shell.text(state, &job.join(" "), &Data::default());
                }
            }
            persist(Persist::Schedule)
        }
        "at" | "batch" | "atd" => persist(Persist::Schedule),
        "useradd" | "adduser" | "usermod" | "gpasswd" | "passwd" | "chpasswd" | "userdel"
        | "deluser" | "groupadd" | "addgroup" | "dscl" | "visudo" | "chsh" | "vipw" | "vigr"
        | "newusers" | "groupmod" | "groupdel" | "delgroup" | "pw" | "sysadminctl"
        | "authselect" | "pam-auth-update" | "dseditgroup" => {
            if command.name == "passwd" && has("-S")
                || command.name == "dscl" && text.contains("read")
                || command.name == "visudo" && has("-c")
            {
                return None;
            }
            persist(Persist::Account)
        }
        "ssh-copy-id" => persist(Persist::Key),
        "defaults" if text.contains("com.apple.loginwindow") || text.contains("LoginHook") => {
            persist(Persist::Startup)
        }
        "setcap" | "insmod" | "modprobe" | "kldload" | "kextload" | "kmutil" | "dkms" => {
            let only_takes = match command.name {
                "setcap" => starts("-r"),
                "modprobe" => ["-r", "-n", "--show-depends", "-c"]
                    .iter()
                    .any(|option| has(option)),
                "dkms" | "kmutil" => !(has("install") || has("load") || has("add")),
                _ => false,
            };
            if only_takes {
                return None;
            }
            persist(Persist::Backdoor)
        }
        "journalctl" if text.contains("--vacuum") || text.contains("--rotate") => {
            Act::CoverTracks { what: text.clone() }
        }
        "wevtutil" | "logrotate" if starts("cl") => Act::CoverTracks { what: text.clone() },
        "dmesg" if has("-C") || has("-c") || has("--clear") => {
            Act::CoverTracks { what: text.clone() }
        }
        _ => return None,
    };
    shell.act(act);
    Some(Data::default())
}

/// Units that are named by their files get a link where the others are.
fn units(shell: &mut Shell<'_>, state: &State, command: &Command<'_>) {
    if command.name != "systemctl" {
        return;
    }
    let is_linked = |word: &String| matches!(word.as_str(), "enable" | "link" | "reenable");
    if !command.words.iter().any(is_linked) {
        return;
    }
    let is_user = command.words.iter().any(|word| word == "--user");
    let folder = if is_user {
        "~/.config/systemd/user"
    } else {
        "/etc/systemd/system"
    };
    let files = command
        .words
        .iter()
        .filter(|word| word.contains('/') && !word.starts_with('-'));
    for file in files {
        let name = file.rsplit('/').next().unwrap_or(file);
        let from = shell.path(state, file);
        let to = shell.path(state, &format!("{folder}/{name}"));
        shell.act(Act::Copy { from, to });
    }
}
