//! What a path means, as far as its text tells.

use std::fmt;

use serde::Serialize;

use super::{Place, globs, mark};

/// A path of a call: as it is written, and what that means lexically. Nobody looks at a disk: links are not followed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PathRef {
    /// As it stands in the call, after quotes.
    pub written: String,
    /// Without `.` and `..`, beginning with `/`, `~`, `.` or `..`; what is not known is `$`.
    pub resolved: String,
    /// Where that is.
    pub scope: Scope,
    /// Everything in it is meant: `x/*`.
    pub all: bool,
    /// What it is if everything in it that is not known is empty, as with a variable that nobody has set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collapsed: Option<Box<PathRef>>,
}

/// Where a path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Scope {
    /// The root of all.
    Root,
    /// Somebody's home directory itself.
    Home,
    /// Below a home directory, and not in the project.
    InHome,
    /// The same, and called like the project: a copy or a worktree of it, beside it.
    Beside,
    /// What the system and its programs consist of.
    System,
    /// The directory of the project or of the call itself.
    Project,
    /// Below one of these.
    Below,
    /// Something that has the project in it.
    Above,
    /// For what is temporary.
    Temporary,
    /// A device that holds data.
    Device,
    /// None of these.
    Elsewhere,
    /// The text does not tell.
    Unknown,
}

/// Directories at the root that belong to the system.
const SYSTEM: &[&str] = &[
    "bin",
    "boot",
    "dev",
    "etc",
    "lib",
    "lib32",
    "lib64",
    "libx32",
    "nix",
    "opt",
    "proc",
    "root",
    "run",
    "sbin",
    "snap",
    "srv",
    "sys",
    "usr",
    "var",
    "home",
    "Users",
    "System",
    "Library",
    "Applications",
    "Volumes",
    "private",
    "mnt",
    "media",
    "cores",
    "Windows",
    "efi",
    "lost+found",
    "c",
];

/// System directories in which people keep things of their own, from the second level on.
const SHARED: &[&str] = &[
    "/opt/",
    "/srv/",
    "/mnt/",
    "/media/",
    "/Volumes/",
    "/usr/local/go",
    "/usr/src/",
    "/var/www/",
    "/var/cache/",
    "/var/lib/apt/lists",
    "/run/user/",
    "/var/log/",
];

const TEMPORARY: &[&str] = &[
    "/tmp",
    "/var/tmp",
    "/private/tmp",
    "/private/var/folders",
    "/var/folders",
    "/dev/shm",
];

const DEVICES: &[&str] = &[
    "sd", "hd", "vd", "xvd", "nvme", "mmcblk", "disk", "rdisk", "mapper", "md", "dm-", "mem",
    "kmem", "port", "sr", "nbd", "zvol", "block",
];

impl PathRef {
    /// What a path means that is written in a call of a tool, relative to the place.
    pub fn new(written: &str, place: &Place) -> Self {
        Self::within(written, &place.cwd(), place)
    }

    /// What it means relative to another directory. The text may hold [marks](mark).
    pub(crate) fn within(written: &str, cwd: &str, place: &Place) -> Self {
        let mut path = Self::plain(written, cwd, place);
        if written.contains(mark::is_unsure) {
            let empty: String = written.chars().filter(|c| !mark::is_unsure(*c)).collect();
            // An empty word names nothing; a slash, the root.
            if !empty.is_empty() {
                path.collapsed = Some(Box::new(Self::plain(&empty, cwd, place)));
            }
        }
        path
    }

    fn plain(written: &str, cwd: &str, place: &Place) -> Self {
        let mut parts: Vec<&str> = Vec::new();
        let mut up = 0;
        let (root, rest) = rooted(written);
        let bases = match root {
            Some(_) => ["", rest],
            None => [cwd.strip_prefix(['/', '~']).unwrap_or(cwd), written],
        };
        let root = root.unwrap_or(match cwd.chars().next() {
            Some('/') => "/",
            Some('~') => "~",
            _ => ".",
        });
        let mut root = root;
        for part in bases.iter().flat_map(|base| base.split('/')) {
            match part {
                "" | "." => {}
                ".." => {
                    if parts.pop().is_none() {
                        match root {
                            "." => up += 1,
                            "~" => {
                                root = "/";
                                parts.push("home");
                            }
                            _ => {}
                        }
                    }
                }
                part => parts.push(part),
            }
        }
        let all = parts.last().is_some_and(|last| is_all(last));
        if all {
            while parts.last().is_some_and(|last| is_all(last)) {
                parts.pop();
            }
        }
        globs::named(root, &mut parts);
        let joined = parts.join("/");
        let resolved = match (root, up) {
            ("/", _) => format!("/{joined}"),
            (".", 0) if joined.starts_with(mark::is_unknown) => joined,
            (".", up) if up > 0 => {
                let mut resolved = vec![".."; up].join("/");
                if !joined.is_empty() {
                    resolved.push('/');
                    resolved.push_str(&joined);
                }
                resolved
            }
            (root, _) if joined.is_empty() => root.to_owned(),
            (root, _) => format!("{root}/{joined}"),
        };
        let resolved = place.below_home(&resolved).into_owned();
        let scope = scope(&resolved, place);
        Self {
            written: mark::shown(written),
            resolved: mark::shown(&resolved),
            scope,
            all,
            collapsed: None,
        }
    }

    /// How many names lead to it from where it begins.
    pub fn depth(&self) -> usize {
        let names = self
            .resolved
            .split('/')
            .filter(|name| !matches!(*name, "" | "." | "~"));
        names.count()
    }

    /// Its last name.
    pub fn name(&self) -> &str {
        self.resolved.rsplit('/').next().unwrap_or_default()
    }

    /// Whether it is this path, or below it: `~/.ssh`, `/etc`.
    pub fn is_within(&self, folder: &str) -> bool {
        let rest = self.resolved.strip_prefix(folder);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || folder.ends_with('/'))
    }

    /// Below the home directory: the rest of it.
    pub fn in_home(&self) -> Option<&str> {
        in_home(&self.resolved)
    }
}

/// `~/x`, `/etc/*`.
impl fmt::Display for PathRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.all, self.resolved.as_str()) {
            (false, resolved) => f.write_str(resolved),
            (true, "/") => f.write_str("/*"),
            (true, resolved) => write!(f, "{resolved}/*"),
        }
    }
}

/// Where an absolute path begins, and what follows.
fn rooted(written: &str) -> (Option<&'static str>, &str) {
    if let Some(rest) = written.strip_prefix('/') {
        // Git's shell on Windows, and WSL: a drive.
        return (Some("/"), rest);
    }
    match written.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => (Some("~"), rest),
        _ => match written.strip_prefix("file://") {
            Some(rest) => rooted(rest),
            None => (None, written),
        },
    }
}

/// A last name that takes everything: `*`, `.*`, `**`, `?*`, `[!.]*`.
fn is_all(name: &str) -> bool {
    let rest = name.strip_prefix('.').unwrap_or(name);
    rest.contains(mark::STAR) && {
        let mut rest = rest;
        if let (true, Some(end)) = (rest.starts_with(mark::SET), rest.find(']')) {
            rest = rest.get(end + 1..).unwrap_or_default();
        }
        rest.chars()
            .all(|c| matches!(c, mark::STAR | mark::ANY | '.'))
    }
}

/// The rest of a path below a home directory, whosever it is.
fn in_home(path: &str) -> Option<&str> {
    if let Some(rest) = path.strip_prefix('~') {
        return Some(rest.trim_start_matches('/'));
    }
    if let Some(rest) = path.strip_prefix("/root") {
        return (rest.is_empty() || rest.starts_with('/')).then(|| rest.trim_start_matches('/'));
    }
    let bases = [
        "/home/",
        "/Users/",
        "/c/Users/",
        "/mnt/c/Users/",
        "/usr/home/",
        "/var/home/",
        "/export/home/",
    ];
    let rest = bases.iter().find_map(|base| path.strip_prefix(base))?;
    if rest.is_empty() {
        return None;
    }
    Some(rest.split_once('/').map_or("", |(_, rest)| rest))
}

fn is_within(path: &str, folder: &str) -> bool {
    let rest = path.strip_prefix(folder.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether a path begins beside the project, with its name and more: `~/shop-fix` of `~/shop`. What has been put aside of
/// it is no copy.
fn is_beside(path: &str, project: &str) -> bool {
    const ASIDE: [&str; 6] = ["bak", "backup", "backups", "archive", "data", "db"];
    let rest = path.strip_prefix(project);
    let more = rest.map(|rest| rest.split('/').next().unwrap_or(rest));
    more.is_some_and(|more| {
        let mut words = more.split(['-', '_', '.', '@', '+']);
        let is_more = |c: char| c.is_ascii_digit() || matches!(c, '-' | '_' | '.' | '@' | '+');
        more.starts_with(is_more) && !words.any(|word| ASIDE.contains(&word))
    })
}

/// Where a resolved path is.
fn scope(path: &str, place: &Place) -> Scope {
    if path == "/" {
        return Scope::Root;
    }
    if path.starts_with(mark::is_unknown) {
        return Scope::Unknown;
    }
    if let Some(device) = path.strip_prefix("/dev/") {
        let is_device = DEVICES.iter().any(|kind| device.starts_with(kind))
            || device.starts_with(mark::is_glob);
        if is_device {
            return Scope::Device;
        }
    }
    if TEMPORARY.iter().any(|folder| is_within(path, folder)) {
        return Scope::Temporary;
    }
    let home = in_home(path);
    if home == Some("") {
        return Scope::Home;
    }
    let (cwd, project) = (place.cwd(), place.project());
    for base in [&project, &cwd] {
        let base = base.as_ref();
        // Whoever works at the root or at home has no project there.
        if base == "/" || in_home(base) == Some("") {
            continue;
        }
        if path == base {
            return Scope::Project;
        }
        if is_within(path, base) {
            return Scope::Below;
        }
        if is_within(base, path) {
            return Scope::Above;
        }
    }
    if path == "." || path.starts_with("./") {
        return if path == "." {
            Scope::Project
        } else {
            Scope::Below
        };
    }
    if path.starts_with("..") {
        let is_above = path.split('/').all(|part| part == "..");
        return if is_above {
            Scope::Above
        } else {
            Scope::Elsewhere
        };
    }
    if home.is_some() {
        return match is_beside(path, &project) {
            true => Scope::Beside,
            false => Scope::InHome,
        };
    }
    let first = path
        .trim_start_matches('/')
        .split('/')
        .next()
        .unwrap_or_default();
    let is_shared = SHARED.iter().any(|base| path.starts_with(base)) && path.split('/').count() > 3;
    if SYSTEM.contains(&first) && !is_shared {
        return Scope::System;
    }
    if first.contains(mark::is_glob) {
        return Scope::System;
    }
    Scope::Elsewhere
}
