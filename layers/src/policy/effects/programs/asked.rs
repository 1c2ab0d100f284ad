//! Commands that only tell what they would do: `--help`, `--dry-run`.

/// Programs that give their words to another one, which may understand them in its own way; and those that on some systems
/// take no option behind a name, and do what they are told to both.
const PASSING: &[&str] = &[
    "npx",
    "bunx",
    "pnpx",
    "uvx",
    "poetry",
    "pipenv",
    "bundle",
    "redis-cli",
    "valkey-cli",
    "keydb-cli",
    "kill",
    "mongo",
    "mongosh",
    "ansible",
    "salt",
    "pssh",
    "pdsh",
    "mix",
    "curl",
    "wget",
    "httpie",
    "http",
    "screen",
    "tmux",
    "bash",
    "sh",
    "zsh",
    "dash",
    "sudo",
    "doas",
    "env",
    "su",
    "nohup",
    "ssh",
    "eval",
    "command",
    "exec",
    "builtin",
    "xargs",
    "parallel",
    "find",
    "echo",
    "printf",
    "timeout",
    "nice",
    "watch",
    "awk",
    "python",
    "python3",
    "node",
    "perl",
    "ruby",
    "php",
    "deno",
    "bun",
    "chroot",
    "nsenter",
    "crontab",
    "at",
    "batch",
    "git",
    "rm",
    "rmdir",
    "unlink",
    "mv",
    "cp",
    "chmod",
    "chown",
    "chgrp",
    "ln",
    "dd",
    "shred",
    "truncate",
    "install",
    "tee",
    "touch",
    "mkdir",
    "shutdown",
    "reboot",
    "halt",
    "poweroff",
    "init",
    "telinit",
    "launchctl",
    "tmutil",
    "diskutil",
    "dscl",
    "pfctl",
    "security",
    "defaults",
    "service",
    "rc-service",
    "sv",
    "supervisorctl",
    "killall",
    "pkill",
    "srm",
    "gshred",
];

/// Short forms, by the program, and the word behind it for which they hold: empty if for all.
const SHORT: &[(&str, &str, &[&str])] = &[
    ("zfs", "destroy", &["-n"]),
    ("zfs", "rollback", &["-n"]),
    ("zpool", "", &["-n"]),
    ("lvremove", "", &["-t", "--test"]),
    ("vgremove", "", &["-t", "--test"]),
    ("pvremove", "", &["-t", "--test"]),
    ("wipefs", "", &["-n", "--no-act"]),
    (
        "sfdisk",
        "",
        &[
            "-n", "--no-act", "-l", "-d", "-J", "--json", "--dump", "--verify",
        ],
    ),
    ("sgdisk", "", &["-P", "--pretend"]),
    ("mkfs.ext4", "", &["-n"]),
    ("mkfs.ext3", "", &["-n"]),
    ("mkfs.ext2", "", &["-n"]),
    ("mke2fs", "", &["-n"]),
    ("mkfs.xfs", "", &["-N"]),
    ("rsync", "", &["-n"]),
    ("rclone", "", &["-n"]),
    ("s3cmd", "", &["-n"]),
    ("patch", "", &["--dry-run", "--check"]),
    ("apt", "", &["-s", "--simulate", "--just-print", "--no-act"]),
    (
        "apt-get",
        "",
        &["-s", "--simulate", "--just-print", "--no-act"],
    ),
    ("dpkg", "", &["--no-act", "--simulate"]),
    ("dnf", "", &["--assumeno"]),
    ("pacman", "", &["-p", "--print"]),
    ("visudo", "", &["-c", "--check"]),
    ("pwck", "", &["-r"]),
    ("nft", "", &["-c", "--check"]),
    ("iptables", "", &["-C", "-L", "-S"]),
    ("ip6tables", "", &["-C", "-L", "-S"]),
    ("iptables-restore", "", &["-t", "--test"]),
    ("journalctl", "", &["--disk-usage"]),
    ("logrotate", "", &["-d", "--debug"]),
    ("rake", "", &["-n"]),
    ("bq", "", &["--dry_run"]),
    ("tmpreaper", "", &["-t"]),
    ("stow", "", &["-n", "--no", "--simulate"]),
    (
        "ansible-playbook",
        "",
        &[
            "--check",
            "-C",
            "--syntax-check",
            "--list-tasks",
            "--list-hosts",
        ],
    ),
    ("git-filter-repo", "", &["--analyze"]),
];

/// Whether a command does nothing but tell.
pub(super) fn is_question(name: &str, words: &[String]) -> bool {
    // What stands behind belongs to another command.
    let own = || {
        words
            .iter()
            .map(String::as_str)
            .take_while(|word| !matches!(*word, "--" | "exec" | "run" | "debug"))
    };
    if !PASSING.contains(&name) {
        let asks = |word: &str| match word {
            "--help" | "--dry-run" | "--dryrun" | "--dry_run" => true,
            // Programs in Go take it with one dash.
            "-help" => matches!(
                name,
                "terraform" | "tofu" | "packer" | "vault" | "consul" | "nomad" | "go"
            ),
            word => word
                .strip_prefix("--dry-run=")
                .is_some_and(|how| matches!(how, "client" | "server" | "true" | "1")),
        };
        if own().any(asks) || matches!(words, [word] if word == "--version") {
            return true;
        }
    }
    SHORT.iter().any(|(program, verb, options)| {
        *program == name
            && (verb.is_empty() || words.first().is_some_and(|word| word == verb))
            && own().any(|word| options.iter().any(|option| is_given(word, option)))
    })
}

/// Options with which code is only read through, if they stand first and alone.
const CHECKS: &[(&[&str], &[&str])] = &[
    (&["bash", "sh", "zsh", "dash", "ksh"], &["-n"]),
    (&["node", "nodejs"], &["--check", "-c"]),
    (&["ruby"], &["-c", "-wc"]),
    (&["php"], &["-l", "--syntax-check"]),
];

/// Whether an interpreter is only asked whether it could read a file.
pub(super) fn only_checks(name: &str, words: &[String]) -> bool {
    let [option, files @ ..] = words else {
        return false;
    };
    CHECKS
        .iter()
        .any(|(names, options)| names.contains(&name) && options.contains(&option.as_str()))
        && files.iter().all(|word| !word.starts_with(['-', '+']))
}

/// Whether an option is there; a letter may stand among others.
fn is_given(word: &str, option: &str) -> bool {
    if word == option {
        return true;
    }
    let letter = option.strip_prefix('-').filter(|letter| letter.len() == 1);
    let letters = word
        .strip_prefix('-')
        .filter(|letters| !letters.starts_with('-') && letters.chars().all(char::is_alphabetic));
    letter
        .zip(letters)
        .is_some_and(|(letter, letters)| letters.contains(letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_checks_runs_nothing() {
        let checks = |text: &str| {
            let mut words = text.split_whitespace().map(str::to_owned);
            let name = words.next().unwrap_or_default();
            only_checks(&name, &words.collect::<Vec<_>>())
        };
        for text in ["bash -n r.sh", "node --check a.js b.js", "php -l a.php"] {
            assert!(checks(text), "{text}");
        }
        for text in [
            "bash -n +n r.sh",
            "node -r ./x --check a.js",
            "ruby -c -e x",
            "bash r.sh",
        ] {
            assert!(!checks(text), "{text}");
        }
    }

    #[test]
    fn who_asks_does_nothing() {
        let asks = |text: &str| {
            let mut words = text.split_whitespace().map(str::to_owned);
            let name = words.next().unwrap_or_default();
            is_question(&name, &words.collect::<Vec<_>>())
        };
        for text in [
            "terraform destroy --help",
            "zfs destroy -nv tank/a",
            "rsync -avn a b",
            "kubectl delete ns x --dry-run=client",
            "visudo -cf x",
        ] {
            assert!(asks(text), "{text}");
        }
        for text in [
            "kubectl delete ns x --dry-run=none",
            "kubectl exec x -- dropdb --help",
            "docker run x rm --help",
            "zfs destroy -r tank/nn",
            "bash -c x --help",
            "rsync -av --exclude=n a b",
            "rsync --delete a b",
        ] {
            assert!(!asks(text), "{text}");
        }
    }
}
