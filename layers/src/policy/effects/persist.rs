//! Files that mean more than what is in them.

use super::{
    PathRef, Persist,
    names::{is_at, is_name, is_somewhere},
};

/// Below the home directory: files and folders that hold keys, tokens or the like.
const SECRET_AT_HOME: &[&str] = &[
    ".ssh",
    ".aws",
    ".gnupg",
    ".kube",
    ".docker/config.json",
    ".config/gcloud",
    ".azure",
    ".netrc*",
    ".npmrc*",
    ".pypirc*",
    ".git-credentials*",
    ".pgpass*",
    ".config/gh",
    ".config/hub",
    ".claude/.credentials.json",
    ".codex/auth.json",
    ".gemini/oauth_creds.json",
    ".password-store",
    "Library/Keychains",
    ".vault-token*",
    ".terraform.d/credentials*",
    ".bash_history*",
    ".zsh_history*",
    ".cargo/credentials*",
    ".gem/credentials",
    ".mozilla",
    ".config/google-chrome",
    ".electrum",
    ".bitcoin",
    ".ethereum",
    "Library/Application Support/Google/Chrome",
    ".my.cnf*",
    ".config/op",
    ".config/rclone",
    ".local/share/keyrings",
    ".local/share/kwalletd",
    ".config/Bitwarden CLI",
    ".config/lpass",
    ".config/rbw",
];
/// From the root.
const SECRET_AT_ROOT: &[&str] = &[
    "/etc/shadow*",
    "/etc/gshadow*",
    "/var/run/secrets",
    "/run/secrets",
    "/etc/ssl/private",
    "/Library/Keychains",
    "/System/Library/Keychains",
];
/// Wherever they lie.
const SECRET_NAMES: &[&str] = &[
    "id_rsa",
    "id_ed25519",
    "id_ecdsa",
    "id_dsa",
    ".env",
    ".netrc",
    ".pgpass",
    "credentials",
    "credentials.json",
    "secrets.yml",
    "secrets.yaml",
    "secrets.json",
    "service-account.json",
    "kubeconfig",
    ".git-credentials",
    "shadow",
    "master.key",
    ".npmrc",
    ".pypirc",
    "wallet.dat",
    "terraform.tfstate",
    ".htpasswd",
    "environ",
];
const SECRET_ENDS: &[&str] = &[
    ".pem",
    ".key",
    ".p12",
    ".pfx",
    ".keystore",
    ".jks",
    ".kdbx",
    ".ppk",
    ".asc",
];

/// Whether a file holds keys, tokens or the like.
pub(crate) fn is_secret(path: &PathRef) -> bool {
    if let Some(home) = path.in_home() {
        let is_public = home.ends_with(".pub")
            || home.ends_with("known_hosts")
            || home.ends_with(".ssh/config");
        if SECRET_AT_HOME.iter().any(|entry| is_at(home, entry, false)) && !is_public {
            return true;
        }
    }
    let name = path.name();
    let is_example =
        name.contains("example") || name.contains("sample") || name.contains("template");
    if is_example {
        return false;
    }
    let is_absolute = path.resolved.starts_with('/');
    SECRET_NAMES.contains(&name)
        || is_told(name) && SECRET_NAMES.iter().any(|secret| is_name(name, secret))
        || name.starts_with(".env.")
        || SECRET_ENDS.iter().any(|end| name.ends_with(end))
        || is_absolute
            && SECRET_AT_ROOT
                .iter()
                .any(|entry| is_at(&path.resolved, entry, false))
}

/// Whether a pattern says enough of a name to mean one: `.en[v]`, `id_*`, and not `*` or `*.json`.
fn is_told(name: &str) -> bool {
    let Some(at) = name.find(['*', '?', '[']) else {
        return false;
    };
    at > 2 || !name.contains('*') && name.chars().filter(|c| *c == '?').count() < 2
}

/// Below the home directory: what runs because a file is there.
const AT_HOME: &[(Persist, &[&str])] = &[
    (
        Persist::Startup,
        &[
            ".bashrc",
            ".bash_profile",
            ".bash_login",
            ".bash_logout",
            ".bash_aliases",
            ".bashrc.d",
            ".profile",
            ".zshrc",
            ".zprofile",
            ".zshenv",
            ".zlogin",
            ".zlogout",
            ".zshrc.d",
            ".kshrc",
            ".cshrc",
            ".tcshrc",
            ".xinitrc",
            ".xprofile",
            ".xsession",
            ".xsessionrc",
            ".pam_environment",
            ".login",
            ".config/fish/config.fish",
            ".config/fish/conf.d",
            ".config/autostart",
            ".config/autostart-scripts",
            ".config/environment.d",
            ".config/plasma-workspace/env",
            ".config/plasma-workspace/shutdown",
            ".config/openbox/autostart",
            ".oh-my-zsh/custom",
            ".gdbinit",
            ".pythonrc",
            ".Rprofile",
            "Library/StartupItems",
        ],
    ),
    (
        Persist::Key,
        &[
            ".ssh/authorized_keys",
            ".ssh/authorized_keys2",
            ".ssh/rc",
            ".ssh/environment",
            ".rhosts",
            ".shosts",
        ],
    ),
    (
        Persist::Service,
        &[
            ".config/systemd/user",
            ".local/share/systemd",
            ".local/share/dbus-1/services",
            "Library/LaunchAgents",
            "Library/LaunchDaemons",
        ],
    ),
    (Persist::GitHook, &[".git-templates", ".config/git/hooks"]),
];

/// From the root.
const AT_ROOT: &[(Persist, &[&str])] = &[
    (
        Persist::Schedule,
        &[
            "/etc/cron.d",
            "/etc/cron.daily",
            "/etc/cron.hourly",
            "/etc/cron.weekly",
            "/etc/cron.monthly",
            "/etc/crontab",
            "/var/spool/cron",
            "/etc/anacrontab",
            "/var/spool/at",
            "/etc/periodic",
        ],
    ),
    (
        Persist::Service,
        &[
            "/etc/systemd",
            "/lib/systemd",
            "/usr/lib/systemd",
            "/usr/local/lib/systemd",
            "/run/systemd/system",
            "/etc/init.d",
            "/etc/rc.local",
            "/etc/init",
            "/Library/LaunchDaemons",
            "/Library/LaunchAgents",
            "/System/Library/LaunchDaemons",
            "/etc/rc.d",
            "/etc/rc*.d",
            "/etc/xinetd.d",
            "/etc/udev/rules.d",
            "/lib/udev/rules.d",
            "/usr/lib/udev/rules.d",
            "/etc/NetworkManager/dispatcher.d",
            "/etc/networkd-dispatcher",
            "/etc/network/if-up.d",
            "/etc/dhcp/dhclient-exit-hooks.d",
            "/etc/dbus-1/system.d",
            "/usr/share/dbus-1/system-services",
            "/etc/modules-load.d",
            "/etc/modules",
            "/etc/modprobe.d",
            "/etc/apt/apt.conf.d",
            "/etc/dpkg/dpkg.cfg.d",
            "/etc/supervisor/conf.d",
            "/etc/service",
            "/etc/runit",
            "/etc/s6",
            "/etc/acpi",
        ],
    ),
    (
        Persist::Startup,
        &[
            "/etc/profile",
            "/etc/profile.d",
            "/etc/bash.bashrc",
            "/etc/bash_completion.d",
            "/etc/bashrc",
            "/etc/zsh",
            "/etc/zshrc",
            "/etc/zshenv",
            "/etc/zprofile",
            "/etc/fish",
            "/etc/csh.login",
            "/etc/environment",
            "/etc/environment.d",
            "/etc/update-motd.d",
            "/etc/skel",
            "/etc/X11/xinit",
            "/etc/X11/Xsession.d",
            "/etc/xdg/autostart",
        ],
    ),
    (
        Persist::Preload,
        &["/etc/ld.so.preload", "/etc/ld.so.conf", "/etc/ld.so.conf.d"],
    ),
    (
        Persist::Account,
        &[
            "/etc/sudoers",
            "/etc/sudoers.d",
            "/etc/doas.conf",
            "/etc/passwd",
            "/etc/shadow",
            "/etc/group",
            "/etc/gshadow",
            "/etc/pam.d",
            "/etc/pam.conf",
            "/lib/security",
            "/etc/security",
            "/etc/polkit-1",
            "/usr/share/polkit-1",
        ],
    ),
    (
        Persist::Key,
        &[
            "/etc/ssh/sshd_config",
            "/etc/ssh/sshd_config.d",
            "/root/.ssh",
            "/etc/hosts.equiv",
        ],
    ),
];

/// What will run because a file is written.
pub(super) fn kind(path: &PathRef) -> Option<Persist> {
    let resolved = path.resolved.as_str();
    // Python carries out what is in such files whenever it starts.
    let is_site = resolved.ends_with(".pth") || resolved.ends_with("/sitecustomize.py");
    if is_site && resolved.contains("-packages/") {
        return Some(Persist::Startup);
    }
    let find = |table: &[(Persist, &[&str])], at: &str| {
        let mut entries = table
            .iter()
            .flat_map(|(kind, entries)| entries.iter().map(move |entry| (*kind, *entry)));
        entries.find_map(|(kind, entry)| is_at(at, entry, false).then_some(kind))
    };
    if let Some(home) = path.in_home() {
        if let Some(kind) = find(AT_HOME, home) {
            return Some(kind);
        }
        let name = home.rsplit('/').next().unwrap_or_default();
        if matches!(name, "usercustomize.py" | "sitecustomize.py") {
            return Some(Persist::Startup);
        }
    }
    if resolved.starts_with('/')
        && let Some(kind) = find(AT_ROOT, resolved)
    {
        return Some(kind);
    }
    if is_somewhere(resolved, ".ssh/authorized_keys", false) && !path.is_within("/tmp") {
        return Some(Persist::Key);
    }
    let is_hook = resolved.contains("/.git/hooks/") || resolved.starts_with(".git/hooks/");
    (is_hook && !resolved.ends_with(".sample")).then_some(Persist::GitHook)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::effects::Place;

    #[test]
    fn patterns_count_for_what_they_could_become() {
        let place = Place {
            cwd: Some("/home/me/shop".into()),
            home: Some("/home/me".into()),
            project: None,
        };
        let path = |text: &str| PathRef::new(text, &place);
        for (text, what) in [
            ("/etc/sudo*s.d/x", Persist::Account),
            ("/etc/cr?n.hourly", Persist::Schedule),
            ("~/.ssh/auth*_keys", Persist::Key),
            ("/etc/udev/rules.d/9-x.rules", Persist::Service),
            ("/etc/xdg/autostart/x.desktop", Persist::Startup),
        ] {
            assert_eq!(kind(&path(text)), Some(what), "{text}");
        }
        for text in ["~/.ss?/id_*", ".en[v]", "/etc/shado?", "conf/id_*"] {
            assert!(is_secret(&path(text)), "{text}");
        }
        for text in [
            "src/*.json",
            "*",
            "~/.ssh/id_rsa.pub",
            ".env.example",
            "/etc/hosts",
        ] {
            assert!(!is_secret(&path(text)), "{text}");
            assert_eq!(kind(&path(text)), None, "{text}");
        }
    }
}
