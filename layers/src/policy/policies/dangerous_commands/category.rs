//! Kinds of harm.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A kind of harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Category {
    /// Files that nobody can bring back.
    Files,
    /// Disks and what is on them.
    Disks,
    /// Data in databases.
    Databases,
    /// What a repository, or the machine, remembers.
    History,
    /// Clusters, clouds, containers and their volumes.
    Infrastructure,
    /// What makes a machine stand still.
    Resources,
    /// Permissions that let everybody in, or nobody; guards that are switched off.
    Permissions,
    /// Code from elsewhere that runs unread.
    RemoteCode,
    /// What runs again later, unasked.
    Persistence,
    /// Running programs, and the machine itself.
    Processes,
    /// Keys and tokens that leave, and stores of them that are laid open.
    Credentials,
    /// What cannot be read.
    Opaque,
    /// What the settings deny.
    Denied,
}

impl Category {
    /// Its name in settings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Disks => "disks",
            Self::Databases => "databases",
            Self::History => "history",
            Self::Infrastructure => "infrastructure",
            Self::Resources => "resources",
            Self::Permissions => "permissions",
            Self::RemoteCode => "remote_code",
            Self::Persistence => "persistence",
            Self::Processes => "processes",
            Self::Credentials => "credentials",
            Self::Opaque => "opaque",
            Self::Denied => "denied",
        }
    }

    pub(super) const fn reason(self) -> &'static str {
        match self {
            Self::Files => "it would destroy files that cannot be brought back",
            Self::Disks => "it would write to a disk itself",
            Self::Databases => "it would destroy data in a database",
            Self::History => "it would destroy history",
            Self::Infrastructure => "it would take down infrastructure",
            Self::Resources => "it would use up the machine",
            Self::Permissions => "it would change who may do what, for everything",
            Self::RemoteCode => "it would run code from elsewhere unread",
            Self::Persistence => "it would install something that runs later",
            Self::Processes => "it would stop programs that it has not started",
            Self::Credentials => "it would give credentials away",
            Self::Opaque => "nobody can tell from its text what it would do",
            Self::Denied => "it is not allowed here",
        }
    }

    pub(super) const fn remedy(self) -> &'static str {
        match self {
            Self::Files => {
                "name exactly what has to go, below the project, or ask the person to do it"
            }
            Self::History => {
                "keep what is there: commit, stash or use a new branch, or ask the person to do it"
            }
            Self::RemoteCode => "download it to a file, show it to the person, and let them run it",
            Self::Processes => "stop the processes that you have started, by their numbers",
            Self::Opaque => "write the command out plainly",
            Self::Resources => "give it a limit",
            Self::Permissions => "change it for the files that need it only",
            _ => "ask the person to do it",
        }
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which kinds of harm are refused.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Categories {
    /// Deleting or emptying what cannot be brought back: the home, the system, the project and what is above it.
    files: bool,
    /// Writing to disks, dividing and formatting them.
    disks: bool,
    /// Dropping, truncating and resetting databases; deleting or changing all rows.
    databases: bool,
    /// Force pushes to shared branches, hard resets, cleaning, rewriting; histories of shells and logs.
    history: bool,
    /// Deleting what runs in clusters, clouds and containers.
    infrastructure: bool,
    /// Using up processes, disk or memory.
    resources: bool,
    /// Opening or closing files to everybody; switching firewalls and other guards off.
    permissions: bool,
    /// Running what has just been downloaded.
    remote_code: bool,
    /// Jobs, services, startup files, keys and hooks.
    persistence: bool,
    /// Killing everything, or what many share; stopping the machine.
    processes: bool,
    /// Sending keys and tokens away; laying open all passwords of a machine, or of somebody.
    credentials: bool,
}

impl Default for Categories {
    fn default() -> Self {
        Self {
            files: true,
            disks: true,
            databases: true,
            history: true,
            infrastructure: true,
            resources: true,
            permissions: true,
            remote_code: true,
            persistence: true,
            processes: true,
            credentials: true,
        }
    }
}

impl Categories {
    pub(super) fn has(&self, category: Category) -> bool {
        match category {
            Category::Files => self.files,
            Category::Disks => self.disks,
            Category::Databases => self.databases,
            Category::History => self.history,
            Category::Infrastructure => self.infrastructure,
            Category::Resources => self.resources,
            Category::Permissions => self.permissions,
            Category::RemoteCode => self.remote_code,
            Category::Persistence => self.persistence,
            Category::Processes => self.processes,
            Category::Credentials => self.credentials,
            Category::Opaque | Category::Denied => true,
        }
    }
}
