//! What a pattern in a path is there to mean: `~/.ss?/id_*` is a key, whatever else might be named so.

use super::mark;
use super::shell::matches;

/// Below a home directory. What matters most stands first.
const AT_HOME: &[&str] = &[
    ".ssh/id_rsa",
    ".ssh/id_ed25519",
    ".ssh/authorized_keys",
    ".ssh/config",
    ".gnupg",
    ".aws/credentials",
    ".kube/config",
    ".docker/config.json",
    ".netrc",
    ".npmrc",
    ".pypirc",
    ".pgpass",
    ".git-credentials",
    ".password-store",
    ".vault-token",
    ".azure",
    ".config/gh/hosts.yml",
    ".config/gcloud",
    ".config/systemd/user",
    ".config/autostart",
    ".config/fish/config.fish",
    ".config/luthien",
    ".local/share/luthien",
    ".local/share/keyrings",
    ".local/bin",
    ".claude/settings.json",
    ".claude/settings.local.json",
    ".claude/.credentials.json",
    ".claude.json",
    ".codex/config.toml",
    ".codex/auth.json",
    ".gemini/settings.json",
    ".bashrc",
    ".bash_profile",
    ".bash_login",
    ".bash_history",
    ".zshrc",
    ".zshenv",
    ".zprofile",
    ".zsh_history",
    ".profile",
    ".gitconfig",
    ".mozilla",
    ".cargo/credentials.toml",
];

/// From the root.
const AT_ROOT: &[&str] = &[
    "etc/shadow",
    "etc/gshadow",
    "etc/passwd",
    "etc/sudoers.d",
    "etc/sudoers",
    "etc/group",
    "etc/crontab",
    "etc/cron.d",
    "etc/cron.hourly",
    "etc/cron.daily",
    "etc/cron.weekly",
    "etc/cron.monthly",
    "etc/profile.d",
    "etc/profile",
    "etc/bash.bashrc",
    "etc/environment",
    "etc/ld.so.preload",
    "etc/pam.d",
    "etc/ssh/sshd_config",
    "etc/ssh/ssh_host_rsa_key",
    "etc/ssl/private",
    "etc/systemd/system",
    "etc/init.d",
    "etc/rc.local",
    "etc/hosts",
    "etc/resolv.conf",
    "etc/luthien/luthien.yaml",
    "var/spool/cron/crontabs/root",
    "var/lib/luthien",
    "usr/local/bin/luthien",
    "usr/bin/luthien",
    "opt/luthien",
    "run/luthien",
    "usr",
    "var",
    "boot",
    "home",
    "root",
    "bin",
    "lib",
    "dev",
    "proc",
    "sys",
    "tmp",
];

/// Wherever they are.
const ANYWHERE: &[&str] = &[
    ".env",
    ".ssh",
    ".gnupg",
    ".aws",
    ".git/hooks/pre-commit",
    ".git/config",
    ".claude/settings.json",
    ".claude/settings.local.json",
    ".mcp.json",
    ".netrc",
    ".npmrc",
    "id_rsa",
    "id_ed25519",
    "authorized_keys",
    "credentials",
    "luthien.yaml",
    "luthien.service",
    "luthien",
];

/// Puts the names there that patterns among these parts of a path are meant for.
pub(super) fn named(root: &str, parts: &mut [&str]) {
    if !parts.iter().any(|part| part.contains(mark::is_glob)) {
        return;
    }
    if root == "/" {
        put(AT_ROOT, parts, is_narrow);
    }
    // Whosever home it is.
    let home = match (root, &*parts) {
        ("~", _) => Some(0),
        ("/", ["home" | "Users", ..]) => Some(2),
        ("/", ["root", ..]) => Some(1),
        _ => None,
    };
    if let Some(below) = home.and_then(|home| parts.get_mut(home..)) {
        put(AT_HOME, below, is_narrow);
    }
    for at in 0..parts.len() {
        if let Some(below) = parts.get_mut(at..) {
            put(ANYWHERE, below, is_mostly);
        }
    }
}

/// The first entry that fits from here on takes the place of the patterns.
fn put(table: &'static [&'static str], parts: &mut [&str], is_meant: fn(&str, &str) -> bool) {
    let fits = |entry: &&&str| {
        let mut has_pattern = false;
        let mut names = entry.split('/');
        let is_it = parts.iter().zip(&mut names).all(|(part, name)| {
            if !part.contains(mark::is_glob) {
                return *part == name;
            }
            has_pattern = true;
            // A pattern does not find what is hidden, unless it begins with a dot as well.
            part.starts_with('.') == name.starts_with('.')
                && is_meant(part, name)
                && matches(part, name)
        });
        is_it && has_pattern
    };
    let Some(entry) = table.iter().find(fits) else {
        return;
    };
    for (part, name) in parts.iter_mut().zip(entry.split('/')) {
        *part = name;
    }
}

/// How many characters of a name a pattern spells out: a set of one is that one.
fn spelled(pattern: &str) -> usize {
    let mut count = 0;
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            mark::STAR | mark::ANY => {}
            c if mark::is_unknown(c) => {}
            mark::SET => {
                let set = chars.by_ref().take_while(|c| *c != ']').count();
                count += usize::from(set == 1);
            }
            _ => count += 1,
        }
    }
    count
}

/// Where only few things are that matter, a letter is enough.
fn is_narrow(pattern: &str, name: &str) -> bool {
    let dot = usize::from(name.starts_with('.'));
    spelled(pattern) > dot || !pattern.contains(mark::STAR)
}

/// Elsewhere it must be half the name, and not its end alone: `*.json` is any.
fn is_mostly(pattern: &str, name: &str) -> bool {
    !pattern.starts_with(mark::STAR) && spelled(pattern) * 2 >= name.chars().count()
}
