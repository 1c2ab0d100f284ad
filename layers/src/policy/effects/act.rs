//! What can be done.

use std::fmt;

use serde::Serialize;

use super::{PathRef, Scope};

/// What a part of a call does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "act", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Act {
    /// A file or directory goes away.
    Delete {
        /// Which.
        path: PathRef,
        /// With everything below it.
        recursive: bool,
    },
    /// A file is written.
    Write {
        /// Which.
        path: PathRef,
        /// What becomes of what was there.
        how: Write,
    },
    /// A file is read.
    Read {
        /// Which.
        path: PathRef,
    },
    /// Something gets another place or name.
    Move {
        /// From there.
        from: PathRef,
        /// To there.
        to: PathRef,
    },
    /// Something is copied, or linked.
    Copy {
        /// From there.
        from: PathRef,
        /// To there.
        to: PathRef,
    },
    /// A program runs.
    Exec {
        /// Its name, without folders.
        program: String,
        /// Its arguments.
        args: Vec<String>,
    },
    /// Something is asked of, or sent to, another host.
    Net {
        /// Which, if the text tells.
        host: Option<String>,
        /// At which port, if the text tells.
        #[serde(skip_serializing_if = "Option::is_none")]
        port: Option<u16>,
        /// What is asked for there: the path of a URL.
        #[serde(skip_serializing_if = "Option::is_none")]
        path: Option<String>,
        /// What is sent there.
        sends: Sends,
    },
    /// A repository changes in a way that loses something.
    Git {
        /// How.
        what: Git,
        /// The branch, tag or remote; empty if none is named.
        target: String,
    },
    /// Who may do what to a file.
    Permissions {
        /// How it changes.
        what: Permissions,
        /// Of what.
        path: PathRef,
        /// And of all below it.
        recursive: bool,
    },
    /// A disk is written, divided or emptied.
    Disk {
        /// With which program.
        program: String,
        /// Which disk, as it is written.
        device: String,
    },
    /// Data in a database go away.
    Database {
        /// How.
        what: Database,
        /// The statement or command, shortened.
        target: String,
    },
    /// Machines, containers, clusters or services of a cloud go away.
    Infrastructure {
        /// With which program.
        program: String,
        /// What is done.
        target: String,
    },
    /// Running programs, or the machine.
    Process {
        /// What happens to them.
        what: Process,
        /// To which.
        target: String,
    },
    /// The machine runs out of something.
    Exhaust {
        /// Of what.
        what: Exhaust,
    },
    /// Something that will run again later, unasked.
    Persist {
        /// How.
        what: Persist,
        /// Where.
        target: String,
    },
    /// Code that is fetched and run unread.
    RunRemote {
        /// From where.
        from: String,
    },
    /// What keeps the machine safe is switched off.
    Disarm {
        /// What.
        what: String,
    },
    /// What has been done can no longer be seen: histories, logs.
    CoverTracks {
        /// What is cleared.
        what: String,
    },
    /// A variable that programs read is set or taken away, for what runs then.
    Environment {
        /// Which.
        name: String,
        /// To what; nothing if it is taken away.
        value: Option<String>,
    },
    /// What it does cannot be told from its text.
    Opaque {
        /// Why.
        why: Opaque,
    },
}

/// A kind that has a word for itself.
macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$doc])* $variant,)*
        }

        impl $name {
            /// Its word in effects: stable, in lower case.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.as_str())
            }
        }
    };
}

words! {
    /// What becomes of what was in a file that is written.
    Write {
        /// The file has other content afterwards.
        Replace = "replace",
        /// Something is added.
        Append = "append",
        /// Parts of it change.
        Edit = "edit",
        /// It is emptied, or its end is cut off.
        Truncate = "truncate",
        /// It is written over, so that nobody can read it again.
        Shred = "shred",
    }
}

words! {
    /// What goes to another host.
    Sends {
        /// A question only.
        Nothing = "nothing",
        /// Something.
        Data = "data",
        /// What somebody keeps for themselves: a database, a home, a whole repository, or what has been sealed.
        Private = "private",
        /// Keys, tokens or the like.
        Secrets = "secrets",
    }
}

words! {
    /// How a repository loses something.
    Git {
        /// Commits of a remote branch.
        ForcePush = "force_push",
        /// Commits of a remote branch, unless somebody else has pushed meanwhile.
        ForceWithLease = "force_with_lease",
        /// A branch or tag of a remote, or a whole remote.
        DeleteRemote = "delete_remote",
        /// A branch.
        DeleteBranch = "delete_branch",
        /// A tag.
        DeleteTag = "delete_tag",
        /// Changes that are not committed, all of them.
        HardReset = "hard_reset",
        /// Changes of files that are not committed.
        Discard = "discard",
        /// Files that are not under version control.
        Clean = "clean",
        /// What has been stashed.
        DropStash = "drop_stash",
        /// What was there before.
        RewriteHistory = "rewrite_history",
        /// The way back to what was there before.
        ExpireReflog = "expire_reflog",
    }
}

words! {
    /// How permissions change.
    Permissions {
        /// Everybody may write.
        Open = "open",
        /// Nobody may do anything.
        Close = "close",
        /// Whoever runs it becomes its owner.
        SetId = "set_id",
        /// It belongs to somebody else.
        Owner = "owner",
        /// It may be run.
        Execute = "execute",
        /// Something else.
        Other = "other",
    }
}

words! {
    /// How data go away.
    Database {
        /// A table, schema or database.
        Drop = "drop",
        /// All rows of a table.
        Truncate = "truncate",
        /// Rows, whichever they are.
        DeleteAll = "delete_all",
        /// All rows get other values.
        UpdateAll = "update_all",
        /// Everything is set back.
        Reset = "reset",
    }
}

words! {
    /// What happens to running programs.
    Process {
        /// One, by its number.
        Kill = "kill",
        /// All that have a name.
        KillNamed = "kill_named",
        /// Everything.
        KillAll = "kill_all",
        /// A service of the machine.
        StopService = "stop_service",
        /// The machine stops or starts anew.
        Shutdown = "shutdown",
    }
}

words! {
    /// What runs out.
    Exhaust {
        /// Processes: a program that starts itself over and over.
        Processes = "processes",
        /// The disk.
        Disk = "disk",
        /// Memory.
        Memory = "memory",
        /// The processor.
        Processor = "processor",
    }
}

words! {
    /// How something comes to run later.
    Persist {
        /// At times.
        Schedule = "schedule",
        /// As a service.
        Service = "service",
        /// Whenever a shell starts.
        Startup = "startup",
        /// Whoever has the key may come in.
        Key = "key",
        /// Whenever a repository is worked on.
        GitHook = "git_hook",
        /// In other programs, by the loader.
        Preload = "preload",
        /// As an account.
        Account = "account",
        /// As a door for others.
        Backdoor = "backdoor",
    }
}

words! {
    /// Why nobody can tell what a call does.
    Opaque {
        /// It is longer than is looked at.
        TooLong = "too_long",
        /// It is nested deeper than is looked at.
        TooDeep = "too_deep",
        /// It is no shell that could be read. What can be made out is told beside.
        Unparsed = "unparsed",
        /// The name of the program is not known.
        UnknownProgram = "unknown_program",
        /// Code runs that is not known.
        UnknownCode = "unknown_code",
        /// A shell of another system.
        ForeignShell = "foreign_shell",
        /// The call has no arguments in which its tool is known to have a command.
        UnknownShape = "unknown_shape",
    }
}

/// What is done with plain files of the project, and with temporary ones: said once or a hundred times, it is the same.
pub(super) fn is_everyday(act: &Act) -> bool {
    let is_plain = |path: &PathRef| {
        matches!(path.scope, Scope::Below | Scope::Temporary)
            && !path
                .resolved
                .split('/')
                .any(|part| part.starts_with('.') && part.len() > 2)
    };
    match act {
        Act::Write { path, .. }
        | Act::Read { path }
        | Act::Delete {
            path,
            recursive: false,
        } => is_plain(path),
        Act::Move { from, to } | Act::Copy { from, to } => is_plain(from) && is_plain(to),
        _ => false,
    }
}

/// The short form: `delete(~/x)`, `git(force_push main)`, `opaque(unknown_code)`.
impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let two = |f: &mut fmt::Formatter<'_>, name: &str, what: &str, target: &str| {
            let space = if target.is_empty() { "" } else { " " };
            write!(f, "{name}({what}{space}{target})")
        };
        match self {
            Self::Delete { path, .. } => write!(f, "delete({path})"),
            Self::Write { path, .. } => write!(f, "write({path})"),
            Self::Read { path } => write!(f, "read({path})"),
            Self::Move { from, to } => write!(f, "move({from}, {to})"),
            Self::Copy { from, to } => write!(f, "copy({from}, {to})"),
            Self::Exec { program, .. } => write!(f, "exec({program})"),
            Self::Net { host, sends, .. } => {
                let host = host.as_deref().unwrap_or("?");
                match sends {
                    Sends::Nothing => write!(f, "net({host})"),
                    sends => write!(f, "net({host}, sends {sends})"),
                }
            }
            Self::Git { what, target } => two(f, "git", what.as_str(), target),
            Self::Permissions { what, path, .. } => write!(f, "permissions({what} {path})"),
            Self::Disk { program, device } => two(f, "disk", program, device),
            Self::Database { what, target } => two(f, "database", what.as_str(), target),
            Self::Infrastructure { program, target } => two(f, "infrastructure", program, target),
            Self::Process { what, target } => two(f, "process", what.as_str(), target),
            Self::Exhaust { what } => write!(f, "exhaust({what})"),
            Self::Persist { what, target } => two(f, "persist", what.as_str(), target),
            Self::RunRemote { from } => write!(f, "run_remote({from})"),
            Self::Disarm { what } => write!(f, "disarm({what})"),
            Self::CoverTracks { what } => write!(f, "cover_tracks({what})"),
            Self::Environment { name, .. } => write!(f, "environment({name})"),
            Self::Opaque { why } => write!(f, "opaque({why})"),
        }
    }
}
