//! Which effects are harm.

use super::{Category, files};
use crate::policy::effects::{
    Act, Database, Git, PathRef, Permissions, Process, Scope, Sends, Write, is_secret,
    is_shared_branch, mark,
};

/// The kind of harm that an act does, if it does any.
pub(super) fn category(act: &Act) -> Option<Category> {
    match act {
        Act::Delete { path, recursive } => {
            if files::is_repository(path, *recursive) {
                return Some(Category::History);
            }
            if path.scope == Scope::Device {
                return Some(Category::Disks);
            }
            files::is_lost(path, *recursive).then_some(Category::Files)
        }
        // Whatever else it is, it is none of the devices that everybody writes to.
        Act::Write { path, .. }
            if path.scope == Scope::Device || path.resolved.starts_with("/dev/$") =>
        {
            Some(Category::Disks)
        }
        Act::Write {
            path,
            how: Write::Truncate | Write::Shred,
        } if files::is_log(path) => Some(Category::History),
        Act::Write { path, how } => files::is_overwritten(path, *how).then_some(Category::Files),
        Act::Move { to, .. } | Act::Copy { to, .. } if to.scope == Scope::Device => {
            Some(Category::Disks)
        }
        Act::Move { from, to } => {
            let is_lost = files::is_moved_away(from, to) || files::is_overwritten(to, Write::Edit);
            is_lost.then_some(Category::Files)
        }
        Act::Copy { to, .. } => files::is_overwritten(to, Write::Edit).then_some(Category::Files),
        // All passwords of a machine, or of somebody.
        Act::Read { path } if files::is_store(path) => Some(Category::Credentials),
        Act::Net {
            sends: Sends::Secrets,
            ..
        } => Some(Category::Credentials),
        Act::Git { what, target } => git(*what, target).then_some(Category::History),
        Act::Permissions {
            what,
            path,
            recursive,
        } => permissions(*what, path, *recursive).then_some(Category::Permissions),
        Act::Disk { .. } => Some(Category::Disks),
        Act::Database { what, .. } => {
            let _: Database = *what;
            Some(Category::Databases)
        }
        Act::Infrastructure { .. } => Some(Category::Infrastructure),
        Act::Process { what, target } => process(*what, target).then_some(Category::Processes),
        Act::Exhaust { .. } => Some(Category::Resources),
        Act::Persist { .. } => Some(Category::Persistence),
        Act::RunRemote { .. } => Some(Category::RemoteCode),
        Act::Disarm { .. } => Some(Category::Permissions),
        Act::CoverTracks { .. } => Some(Category::History),
        Act::Opaque { .. } => Some(Category::Opaque),
        _ => None,
    }
}

fn git(what: Git, target: &str) -> bool {
    match what {
        // Without a name it is the branch that is checked out, whichever that is.
        Git::ForcePush => {
            target.is_empty()
                || target == "HEAD"
                || target.starts_with("--")
                || target.contains('*')
                // Whichever it is: it may be one that others work on.
                || target.contains(mark::is_unknown)
                || is_shared_branch(target)
        }
        Git::DeleteBranch | Git::DeleteRemote if target == "*" => true,
        Git::ForceWithLease | Git::DeleteBranch => is_shared_branch(target),
        Git::DeleteRemote => is_shared_branch(target) || target.contains(' '),
        Git::HardReset | Git::RewriteHistory | Git::ExpireReflog => true,
        Git::Clean => target.contains(['d', 'x', 'X']),
        Git::Discard => matches!(target, "." | "./" | ":/" | "*"),
        Git::DropStash => target == "clear",
        _ => false,
    }
}

fn permissions(what: Permissions, path: &PathRef, recursive: bool) -> bool {
    let is_wide = matches!(path.scope, Scope::Root | Scope::Home | Scope::Above)
        || path.scope == Scope::System && !(path.is_within("/usr/local") && path.depth() > 2)
        || path
            .collapsed
            .as_ref()
            .is_some_and(|path| matches!(path.scope, Scope::Root | Scope::Home | Scope::System));
    match what {
        Permissions::SetId => true,
        Permissions::Open => {
            is_wide
                || is_secret(path)
                || (recursive || path.all) && path.scope == Scope::Project
                || path.resolved.starts_with('/')
                    && path.depth() < 2
                    && path.scope != Scope::Temporary
        }
        Permissions::Close => match path.scope {
            Scope::Temporary => false,
            Scope::Below => recursive,
            _ => true,
        },
        Permissions::Owner => {
            is_wide
                && (recursive
                    || path.is_within("/etc")
                    || path.is_within("/usr")
                    || path.is_within("/bin"))
        }
        Permissions::Execute | Permissions::Other => {
            is_wide && (recursive || path.all) && (path.depth() < 3 || path.scope != Scope::System)
        }
    }
}

fn process(what: Process, target: &str) -> bool {
    let vital = [
        "sshd",
        "ssh",
        "network",
        "networking",
        "networkmanager",
        "dbus",
        "docker",
        "systemd-",
        "cron",
        "containerd",
        "kubelet",
        "getty",
        "postgresql",
        "mysql",
        "multi-user",
        "graphical",
        "display-manager",
    ];
    match what {
        Process::KillAll | Process::Shutdown => true,
        Process::StopService => {
            let target = target.to_lowercase();
            vital.iter().any(|name| {
                target
                    .split([' ', '.'])
                    .any(|word| word == *name || name.ends_with('-') && word.starts_with(name))
            })
        }
        _ => false,
    }
}
