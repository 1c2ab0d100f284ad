//! `self-protection`: an agent must not stop, bypass or reconfigure the sidecar that it runs behind.
//!
//! ```yaml
//! - use: self-protection
//!   system: true
//!   with:
//!     files: [/srv/luthien/*]
//!     processes: [my-luthien]
//! ```
//!
//! Refused is what ends its process or its service; what changes its program, configuration, keys or data; commands of its own
//! that change something, or start a second one; calls of its admin address, other than to ask how it is; and what leads an
//! agent past it: another base URL or proxy for an agent that is started, or in the files that shells and agents read when
//! they start, and another way to the providers' hosts, calls with a key or with data among them. Reading, asking and
//! `luthien check` pass, and so does what is done to copies of its files.
//!
//! What the settings name counts beside what is known anyway. The sidecar adds what it knows of itself: its configuration,
//! its keys, its program, its addresses and its process.

mod admin;
mod commands;
mod files;
mod process;
mod providers;
mod route;
mod tables;
mod test_runs;
#[cfg(test)]
mod tests;

use std::fmt;

use super::guard::{self, Where, host::Host};
use crate::policy::{
    Context, Denial, Policy, PolicyError, Severity, ToolCall, Verdict, Watches,
    effects::Place,
    registry::{self, BuildError, Builtin},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) const BUILTIN: Builtin = Builtin::new::<Settings>(
    "self-protection",
    "Denies calls that stop, bypass or reconfigure the sidecar itself.",
    "{ files: [/srv/luthien/*] }",
);

/// What belongs to the sidecar, beside what is known anyway.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    /// Names of its programs, services and containers, beside `luthien`.
    processes: Vec<String>,
    /// Numbers of its processes. The sidecar adds its own.
    pids: Vec<u32>,
    /// Patterns of its files: program, configuration, keys, data. Beside its usual places.
    files: Vec<String>,
    /// Where agents find it, such as `127.0.0.1:8000`: the base URLs that may be set.
    addresses: Vec<String>,
    /// Where it is administered, such as `127.0.0.1:8001`.
    admin: Vec<String>,
    /// Variables that lead agents elsewhere, beside the usual ones.
    variables: Vec<String>,
    /// The directory of the project, absolute; what the client says, if it is left out.
    project: Option<String>,
    /// The home directory, absolute; what the project's path tells, if it is left out.
    home: Option<String>,
}

/// Its files, wherever they usually are.
const FILES: &[&str] = &[
    "~/.config/luthien*",
    "~/.local/share/luthien*",
    "~/.local/state/luthien*",
    "~/.local/bin/luthien",
    "~/.cargo/bin/luthien",
    "~/.luthien*",
    "/etc/luthien*",
    "/var/lib/luthien*",
    "/opt/luthien*",
    "/usr/bin/luthien",
    "/usr/local/bin/luthien",
    "/run/luthien*",
    "*/luthien.yaml",
    "*/luthien.yml",
    "*/luthien.service",
    "*/luthien.service.d*",
    "*/luthien@*.service*",
    "*/*luthien*.plist",
    "/etc/init.d/luthien*",
    "/etc/default/luthien*",
];

const VARIABLES: &[&str] = &[
    "ANTHROPIC_BASE_URL",
    "ANTHROPIC_API_URL",
    "ANTHROPIC_BEDROCK_BASE_URL",
    "ANTHROPIC_VERTEX_BASE_URL",
    "ANTHROPIC_FOUNDRY_BASE_URL",
    "CLAUDE_CODE_USE_BEDROCK",
    "CLAUDE_CODE_USE_VERTEX",
    "CLAUDE_CODE_USE_FOUNDRY",
    "OPENAI_BASE_URL",
    "OPENAI_API_BASE",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
];

impl registry::Settings for Settings {
    type Policy = SelfProtection;

    fn policy(self) -> Result<SelfProtection, BuildError> {
        let with = |known: &[&str], more: Vec<String>| {
            let known = known.iter().map(|&known| known.to_owned());
            known.chain(more).collect::<Vec<_>>()
        };
        let processes = with(&["luthien"], self.processes);
        if let Some(place) = processes.iter().skip(1).position(|name| name.len() < 2) {
            let path = format!("processes[{place}]");
            return Err(BuildError::new(path, "it must have two letters at least"));
        }
        let ports = |name: &str, addresses: &[String]| {
            let port = |(place, address): (usize, &String)| {
                let port = address
                    .rsplit(':')
                    .next()
                    .and_then(|port| port.parse().ok());
                port.ok_or_else(|| {
                    let path = format!("{name}[{place}]");
                    BuildError::new(path, "expected an address with its port")
                })
            };
            addresses
                .iter()
                .enumerate()
                .map(port)
                .collect::<Result<Vec<u16>, _>>()
        };
        Ok(SelfProtection {
            files: with(FILES, self.files),
            variables: with(VARIABLES, self.variables),
            ports: ports("addresses", &self.addresses)?,
            admin_ports: ports("admin", &self.admin)?,
            admin_hosts: self
                .admin
                .iter()
                .filter_map(|address| Host::of(address.rsplit_once(':')?.0))
                .collect(),
            addresses: self.addresses,
            pids: self.pids,
            processes,
            at: Where::new(self.project, self.home)?,
        })
    }
}

struct SelfProtection {
    processes: Vec<String>,
    pids: Vec<u32>,
    files: Vec<String>,
    addresses: Vec<String>,
    ports: Vec<u16>,
    admin_ports: Vec<u16>,
    admin_hosts: Vec<Host>,
    variables: Vec<String>,
    at: Where,
}

/// What would be done to the sidecar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Harm {
    Stopped,
    Changed,
    Administered,
    Bypassed,
}

impl Harm {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Changed => "changed",
            Self::Administered => "administered",
            Self::Bypassed => "bypassed",
        }
    }
}

impl fmt::Display for Harm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Policy for SelfProtection {
    fn watches(&self) -> Watches {
        guard::watches()
    }

    async fn on_tool_call(&self, call: &ToolCall, cx: &Context) -> Result<Verdict, PolicyError> {
        let found = self.find(call, self.at.place(cx));
        Ok(found.map_or(Verdict::Allow, |denial| Verdict::Block(*denial)))
    }
}

impl SelfProtection {
    /// What the call would do to the sidecar, if anything.
    fn find(&self, call: &ToolCall, place: &Place) -> Option<Box<Denial>> {
        let effects = guard::effects(call, place);
        let (harm, what) = self
            .stops(call, &effects)
            .or_else(|| self.changes(call.input(), &effects, place))
            .or_else(|| self.administers(call, &effects))
            .or_else(|| self.bypasses(call, &effects))
            .or_else(|| Self::goes_around(call, &effects))?;
        let denial = Denial::new(
            "self_protection",
            "it meddles with the guard between you and the model",
        )
        .with_remedy("leave the guard alone; if it is in the way, tell the person")
        .with_detail(format!("{harm}: {what}"))
        .with_severity(Severity::Critical);
        Some(Box::new(denial))
    }
}
