//! Which files may go, and which may not.

use wildmatch::WildMatch;

use super::kept;
use crate::policy::effects::{PathRef, Scope, Write, is_secret};

/// Directories at home in which people keep what they have nowhere else.
const PRECIOUS: &[&str] = &[
    "Documents",
    "Desktop",
    "Downloads",
    "Pictures",
    "Music",
    "Videos",
    "Movies",
    "Public",
    "Library",
    "Dropbox",
    "OneDrive",
    "iCloud",
    "Library/Application Support",
    "Library/Mobile Documents",
    "Library/Keychains",
    "Library/Preferences",
    "projects",
    "Projects",
    "code",
    "Code",
    "src",
    "work",
    "dev",
    "repos",
    "workspace",
    "git",
    "go",
    ".ssh",
    ".gnupg",
    ".aws",
    ".kube",
    ".config",
    ".local",
    ".local/share",
    ".password-store",
    ".mozilla",
    ".thunderbird",
    ".git",
    ".claude",
    ".docker",
    "backup",
    "backups",
    "Backups",
    "photos",
    "Photos",
    "data",
    "bin",
    "Developer",
    "Sites",
    "Google Drive",
    "Applications",
    ".gitconfig",
    ".config/gcloud",
    ".config/gh",
    ".vim",
    ".codex",
    ".netrc",
    ".bashrc",
    ".zshrc",
    ".profile",
    ".bash_profile",
];

/// Where databases and the like have their data.
const DATA: &[&str] = &[
    "/var/lib/postgresql",
    "/var/lib/mysql",
    "/var/lib/mongodb",
    "/var/lib/redis",
    "/var/lib/docker",
    "/var/lib/etcd",
    "/var/lib/elasticsearch",
    "/var/lib/grafana",
    "/var/lib/dpkg",
    "/var/lib/libvirt",
];

/// What every machine needs.
const VITAL: &[&str] = &[
    "/etc",
    "/boot",
    "/bin",
    "/sbin",
    "/lib",
    "/lib64",
    "/usr/bin",
    "/usr/sbin",
    "/usr/lib",
    "/dev",
    "/System",
    "/proc",
    "/sys",
];

/// Files in `/etc` without which nobody gets in, or nothing starts.
const KEYS: &[&str] = &[
    "/etc/passwd",
    "/etc/shadow",
    "/etc/group",
    "/etc/gshadow",
    "/etc/sudoers",
    "/etc/sudoers.d",
    "/etc/fstab",
    "/etc/crypttab",
    "/etc/ld.so.preload",
    "/etc/ld.so.conf",
    "/etc/pam.d",
    "/etc/polkit-1",
    "/etc/ssh/sshd_config",
    "/etc/selinux/config",
    "/etc/default/grub",
    "/etc/inittab",
    "/etc/nsswitch.conf",
    "/etc/securetty",
    "/etc/login.defs",
];

/// Files in which all passwords of a machine, or of somebody, are kept.
const STORES: &[&str] = &[
    "/etc/shadow",
    "/etc/shadow-",
    "/etc/gshadow",
    "/etc/gshadow-",
    "/etc/master.passwd",
    "~/Library/Keychains",
    "~/.password-store",
    "~/.local/share/keyrings",
    "~/.local/share/kwalletd",
    "~/.config/Bitwarden CLI",
    "~/.config/lpass",
    "~/.config/rbw",
    "~/.config/op",
];

/// Whether whoever reads it has all passwords of a machine, or of somebody.
pub(super) fn is_store(path: &PathRef) -> bool {
    STORES.contains(&path.resolved.as_str())
}

fn is_within(path: &PathRef, folders: &[&str]) -> bool {
    folders.iter().any(|folder| path.is_within(folder))
}

/// Whether it would be a loss if this went.
pub(super) fn is_lost(path: &PathRef, recursive: bool) -> bool {
    if path
        .collapsed
        .as_ref()
        .is_some_and(|path| path.scope != Scope::Elsewhere && is_lost_there(path, recursive))
    {
        return true;
    }
    is_lost_there(path, recursive)
}

fn is_lost_there(path: &PathRef, recursive: bool) -> bool {
    match path.scope {
        Scope::Root | Scope::Home => recursive || path.all,
        Scope::Device => true,
        Scope::System => match recursive {
            true => {
                let is_deep = path.depth() > 3;
                let is_own = is_deep && is_within(path, &["/usr/local", "/var/lib"]);
                is_within(path, DATA) || !is_own && !is_under_home_root(path)
            }
            false => {
                (is_within(path, VITAL)
                    && path.resolved != "/dev/null"
                    && !path.is_within("/etc/nginx")
                    && !path.is_within("/etc/apt/sources.list.d"))
                    || path.all && path.depth() < 3
            }
        },
        Scope::Project | Scope::Above => recursive,
        Scope::InHome => {
            let rest = path.in_home().unwrap_or_default();
            let rest = rest.trim_end_matches('/');
            ((recursive || path.all) && PRECIOUS.contains(&rest))
                || recursive && is_one_of_many(rest)
                || (recursive || path.all) && kept::is_kept(path, rest)
                || (is_secret(path) && (recursive || rest.starts_with('.')))
                || matches!(
                    rest,
                    ".bashrc" | ".zshrc" | ".profile" | ".bash_profile" | ".gitconfig"
                )
                || (recursive && rest.starts_with('$'))
                || recursive && rest.starts_with("Documents/") && path.all
        }
        Scope::Elsewhere => {
            recursive
                && path.resolved.starts_with('/')
                && path.depth() == 1
                && !matches!(
                    path.name(),
                    "build" | "dist" | "out" | "output" | "cache" | "tmp" | "test" | "scratch"
                )
        }
        _ => false,
    }
}

/// A pattern that means a directory in which people keep things.
fn is_one_of_many(rest: &str) -> bool {
    let has_pattern = rest.contains(['*', '?']) && !rest.contains('/');
    has_pattern && {
        let pattern = WildMatch::new(rest);
        PRECIOUS.iter().any(|name| pattern.matches(name))
    }
}

/// `/home/x` of which only the first name is known.
fn is_under_home_root(path: &PathRef) -> bool {
    (path.is_within("/home/") || path.is_within("/Users/")) && path.depth() > 2
}

/// Whether what a repository remembers would be gone.
pub(super) fn is_repository(path: &PathRef, recursive: bool) -> bool {
    let resolved = path.resolved.as_str();
    let name = if path.all { resolved } else { path.name() };
    recursive
        && (name == ".git"
            || resolved.ends_with("/.git")
            || resolved.ends_with("/.git/objects")
            || resolved.ends_with("/.git/refs"))
        || resolved.ends_with("/.git/HEAD")
}

/// Whether it tells who has been there, and what they did.
pub(super) fn is_log(path: &PathRef) -> bool {
    const LOGS: [&str; 9] = [
        "auth", "secure", "syslog", "messages", "wtmp", "btmp", "lastlog", "audit", "*",
    ];
    let name = path.name();
    path.is_within("/var/log") && (path.all || LOGS.iter().any(|log| name.starts_with(log)))
}

/// Whether it would be a loss if this had other content.
pub(super) fn is_overwritten(path: &PathRef, how: Write) -> bool {
    match how {
        Write::Append => {
            is_within(path, KEYS)
                || path.is_within("/proc")
                || path.is_within("/sys")
                || path.is_within("/boot")
        }
        Write::Shred => path.scope != Scope::Temporary,
        _ => {
            is_within(path, KEYS)
                || (is_within(path, VITAL)
                    && !path.is_within("/etc")
                    && path.scope == Scope::System
                    && !path.is_within("/dev"))
                || matches!(
                    path.resolved.as_str(),
                    "/etc/hosts" | "/etc/resolv.conf" | "/etc/hostname" | "/etc/profile"
                ) && how != Write::Edit
                || (how == Write::Truncate
                    && (path.all || matches!(path.scope, Scope::InHome) && is_secret(path)))
                || (how == Write::Truncate
                    && path.scope == Scope::InHome
                    && path.name().contains('*')
                    && kept::is_kept(path, path.in_home().unwrap_or_default()))
                || (how == Write::Truncate
                    && path.scope == Scope::System
                    && !path.is_within("/var/log")
                    && !path.is_within("/usr/local")
                    && !path.is_within("/opt"))
                || (how == Write::Truncate
                    && [".db", ".sqlite", ".sqlite3", ".sql", ".mdb", ".ibd", ".pst"]
                        .iter()
                        .any(|end| path.resolved.ends_with(end))
                    && path.scope != Scope::Temporary)
                || path.resolved.contains("/.git/")
                    && matches!(path.name(), "HEAD" | "index" | "packed-refs")
                    && how == Write::Truncate
        }
    }
}

/// Whether it is gone for those who look for it, if it is moved there.
pub(super) fn is_moved_away(from: &PathRef, to: &PathRef) -> bool {
    if to.resolved == "/dev/null" {
        return true;
    }
    let is_away = matches!(to.scope, Scope::Temporary | Scope::Unknown | Scope::Device);
    match from.scope {
        Scope::Root | Scope::Home | Scope::Above => true,
        Scope::System => {
            is_within(from, VITAL) && !from.is_within("/etc/nginx") || from.depth() == 1
        }
        Scope::Project => is_away && (!from.all || to.resolved == "/tmp"),
        Scope::InHome => {
            let rest = from.in_home().unwrap_or_default().trim_end_matches('/');
            is_away && (PRECIOUS.contains(&rest) || kept::is_kept(from, rest))
        }
        _ => from.name() == ".git" && is_away,
    }
}
