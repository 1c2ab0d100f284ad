//! Kinds of files that matter more than others.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why a file matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Keys, tokens and the like.
    Credentials,
    /// It runs whenever a shell or a session starts.
    Startup,
    /// It runs at times, or as a service.
    Services,
    /// It runs whenever a repository is worked on.
    Git,
    /// It says what an agent may do, and which programs it starts.
    Agents,
    /// The system consists of it.
    System,
    /// It is not of the project, nor temporary.
    Outside,
    /// The settings deny it.
    Denied,
}

impl Kind {
    /// Its name in settings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Credentials => "credentials",
            Self::Startup => "startup",
            Self::Services => "services",
            Self::Git => "git",
            Self::Agents => "agents",
            Self::System => "system",
            Self::Outside => "outside",
            Self::Denied => "denied",
        }
    }

    pub(super) const fn reason(self) -> &'static str {
        match self {
            Self::Credentials => "it touches keys or credentials",
            Self::Startup => "it changes what runs when a shell starts",
            Self::Services => "it changes what runs by itself, at times or as a service",
            Self::Git => "it changes what runs when the repository is worked on",
            Self::Agents => "it changes the settings of an agent",
            Self::System => "it changes files of the system",
            Self::Outside => "it changes files that are not of the project",
            Self::Denied => "it touches a file that is denied here",
        }
    }

    pub(super) const fn remedy(self) -> &'static str {
        match self {
            Self::Credentials => {
                "leave keys and credentials alone; ask the person to do what needs them"
            }
            Self::Outside => "work within the project or a temporary directory, or ask the person",
            _ => "tell the person what should be changed, and let them do it",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which kinds are guarded: all, unless one is set to `false`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Kinds {
    /// Keys, tokens, keychains, and the files in which programs keep them.
    credentials: bool,
    /// What shells and sessions read when they start.
    startup: bool,
    /// Schedulers and services.
    services: bool,
    /// The hooks and the configuration of repositories.
    git: bool,
    /// Settings of agents: what they may do, which programs they start.
    agents: bool,
    /// Files of the system.
    system: bool,
}

impl Default for Kinds {
    fn default() -> Self {
        Self {
            credentials: true,
            startup: true,
            services: true,
            git: true,
            agents: true,
            system: true,
        }
    }
}

impl Kinds {
    pub(super) fn has(self, kind: Kind) -> bool {
        match kind {
            Kind::Credentials => self.credentials,
            Kind::Startup => self.startup,
            Kind::Services => self.services,
            Kind::Git => self.git,
            Kind::Agents => self.agents,
            Kind::System => self.system,
            Kind::Outside | Kind::Denied => true,
        }
    }
}
