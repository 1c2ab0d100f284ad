//! `network-egress`: where calls may connect, and what they may send there.
//!
//! ```yaml
//! - use: network-egress
//!   with:
//!     allow: ["github.com", "*.github.com", "docs.rs"]
//!     deny: ["*.pastebin.com"]
//!     unknown: allow
//!     sends: { secrets: block, private: block, data: block }
//! ```
//!
//! Commands and fetching tools are judged alike: commands by their effects, tools by arguments that have an address (`url`,
//! `urls`, `endpoint`). If `allow` is given, only hosts are met that it names; `deny` is asked first; `*` stands for anything. A
//! host is compared as it is meant: in lower case, numbers as an address. This machine is always allowed, unless it is denied.
//! The addresses at which clouds tell machines their keys are refused, whatever is allowed.
//!
//! What one call reads and sends is followed: through pipes, substitutions, files and arguments. A host that the text
//! does not tell is `unknown`: refused if there is a list of those that are allowed, unless set otherwise. A remote of git
//! that has a name, and the registry of a package manager, were chosen by somebody before, and are not asked about.

mod connections;
#[cfg(test)]
mod tests;

use std::fmt;

use connections::{connections, is_secret_read};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wildmatch::WildMatch;

use super::guard::{self, Where, host::Host, tools};
use crate::policy::{
    Context, Denial, Policy, PolicyError, Severity, ToolCall, Verdict, Watches,
    effects::{Place, Sends},
    registry::{self, BuildError, Builtin},
};

pub(super) const BUILTIN: Builtin = Builtin::new::<Settings>(
    "network-egress",
    "Denies calls that connect where they should not, or send what should stay.",
    r#"{ allow: ["*.github.com", docs.rs], unknown: allow }"#,
);

/// Where calls may connect.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// The only hosts that may be met, if any are named: patterns.
    #[serde(default)]
    allow: Vec<String>,
    /// Hosts that may not be met: patterns.
    #[serde(default)]
    deny: Vec<String>,
    /// What becomes of connections whose host the text does not tell; `block` where there is an `allow`, else `allow`.
    #[serde(default)]
    unknown: Option<Rule>,
    /// What may be sent.
    #[serde(default)]
    sends: SendRules,
    /// The directory of the project, absolute; what the client says, if it is left out.
    #[serde(default)]
    project: Option<String>,
    /// The home directory, absolute; what the project's path tells, if it is left out.
    #[serde(default)]
    home: Option<String>,
}

/// What may be sent to a host that may be met.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct SendRules {
    /// Keys, tokens and the like.
    secrets: Rule,
    /// What somebody keeps for themselves: a database, a home, a whole repository, or what has been sealed; to a host that
    /// is not of the same network, and to which nobody has said who they are.
    private: Rule,
    /// Anything.
    data: Rule,
}

impl Default for SendRules {
    fn default() -> Self {
        Self {
            secrets: Rule::Block,
            private: Rule::Block,
            data: Rule::Allow,
        }
    }
}

/// What becomes of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Rule {
    /// It is refused.
    Block,
    /// It passes.
    Allow,
}

impl registry::Settings for Settings {
    type Policy = NetworkEgress;

    fn policy(self) -> Result<NetworkEgress, BuildError> {
        let unknown = self.unknown.unwrap_or(match self.allow.is_empty() {
            true => Rule::Allow,
            false => Rule::Block,
        });
        let patterns = |name: &str, patterns: &[String]| {
            let pattern = |(place, pattern): (usize, &String)| {
                if pattern.contains("://") || pattern.contains('/') {
                    let path = format!("{name}[{place}]");
                    return Err(BuildError::new(
                        path,
                        "it must be a host, without scheme and path",
                    ));
                }
                Ok(WildMatch::new_case_insensitive(pattern))
            };
            patterns
                .iter()
                .enumerate()
                .map(pattern)
                .collect::<Result<Vec<_>, _>>()
        };
        Ok(NetworkEgress {
            allow: patterns("allow", &self.allow)?,
            deny: patterns("deny", &self.deny)?,
            unknown,
            sends: self.sends,
            at: Where::new(self.project, self.home)?,
        })
    }
}

struct NetworkEgress {
    allow: Vec<WildMatch>,
    deny: Vec<WildMatch>,
    unknown: Rule,
    sends: SendRules,
    at: Where,
}

/// Why a connection is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Metadata,
    Denied,
    NotAllowed,
    Unknown,
    Secrets,
    Private,
    Data,
}

impl Fault {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Metadata => "metadata",
            Self::Denied => "denied",
            Self::NotAllowed => "not_allowed",
            Self::Unknown => "unknown",
            Self::Secrets => "secrets",
            Self::Private => "private",
            Self::Data => "data",
        }
    }

    const fn reason(self) -> &'static str {
        match self {
            Self::Metadata => "it asks a cloud for the keys of this machine",
            Self::Denied | Self::NotAllowed => "it connects to a host that is not allowed here",
            Self::Unknown => "it cannot be told where it connects",
            Self::Secrets => "it would send keys or credentials away",
            Self::Private => "it would send a database, a home or a whole repository to a stranger",
            Self::Data => "it would send data away",
        }
    }

    const fn remedy(self) -> &'static str {
        match self {
            Self::Unknown => "write out the host, or ask the person",
            _ => "do without it, or ask the person to do it",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Policy for NetworkEgress {
    fn watches(&self) -> Watches {
        guard::watches()
    }

    async fn on_tool_call(&self, call: &ToolCall, cx: &Context) -> Result<Verdict, PolicyError> {
        let found = self.find(call, self.at.place(cx));
        Ok(found.map_or(Verdict::Allow, |denial| Verdict::Block(*denial)))
    }
}

impl NetworkEgress {
    /// The first connection that must not be.
    fn find(&self, call: &ToolCall, place: &Place) -> Option<Box<Denial>> {
        let effects = guard::effects(call, place);
        // Nobody knows what is in what is sent, if something secret was read.
        let has_secret = effects.iter().any(|effect| is_secret_read(effect, place));
        let commands = effects.iter().flat_map(|effect| {
            let connections = connections(&effect.act).into_iter();
            connections.map(|(host, sends)| match sends {
                _ if has_secret && !self.is_allowed(host) => (host, Sends::Secrets),
                sends => (host, sends),
            })
        });
        let fetches = tools::fetches(call);
        let fetches = fetches
            .iter()
            .map(|fetch| (Some(fetch.host.as_str()), fetch.sends));
        let (fault, host) = commands
            .chain(fetches)
            .find_map(|(host, sends)| Some((self.judge(host, sends)?, host)))?;
        let denial = Denial::new("network_egress", fault.reason())
            .with_remedy(fault.remedy())
            .with_detail(format!(
                "{fault}: {}",
                host.unwrap_or("a host that is not known")
            ))
            .with_severity(Severity::Critical);
        Some(Box::new(denial))
    }

    /// Whether somebody has said that this host may be met.
    fn is_allowed(&self, written: Option<&str>) -> bool {
        let host = written.and_then(Host::of).map(|host| host.to_string());
        host.is_some_and(|host| self.allow.iter().any(|pattern| pattern.matches(&host)))
    }

    fn judge(&self, written: Option<&str>, sends: Sends) -> Option<Fault> {
        let host = written.and_then(Host::of);
        // Of a host that is known in part, as much as is known.
        let text = host.as_ref().map(Host::to_string);
        let text = text.as_deref().or(written).unwrap_or_default();
        let is_among =
            |patterns: &[WildMatch]| patterns.iter().any(|pattern| pattern.matches(text));
        let could_be = || host.is_none() && Host::could_be_metadata(text);
        if host.as_ref().is_some_and(Host::is_metadata) || could_be() {
            return Some(Fault::Metadata);
        }
        if is_among(&self.deny) {
            return Some(Fault::Denied);
        }
        if host.as_ref().is_some_and(Host::is_here) {
            return None;
        }
        if sends == Sends::Secrets && self.sends.secrets == Rule::Block {
            return Some(Fault::Secrets);
        }
        let is_near = || host.as_ref().is_some_and(Host::is_near);
        let is_private = sends == Sends::Private && self.sends.private == Rule::Block;
        if is_private && !is_near() && !is_among(&self.allow) {
            return Some(Fault::Private);
        }
        if host.is_none() && self.unknown == Rule::Block {
            return Some(Fault::Unknown);
        }
        if host.is_some() && !self.allow.is_empty() && !is_among(&self.allow) {
            return Some(Fault::NotAllowed);
        }
        (sends != Sends::Nothing && self.sends.data == Rule::Block).then_some(Fault::Data)
    }
}
