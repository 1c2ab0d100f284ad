//! What a call adds to what has happened, and where that goes too far.

use super::{
    Fault, Flow,
    memory::{Facts, Moved, Step, kept},
};
use crate::policy::{
    ToolCall,
    effects::{Act, Effect, Effects, Git, PathRef, Scope, Sends, Write, is_secret},
    policies::guard::{host::Host, tools},
};

/// Names of what can be made again.
const MADE: &[&str] = &[
    "node_modules",
    "dist",
    "build",
    "target",
    "out",
    "output",
    ".next",
    ".cache",
    "__pycache__",
    ".pytest_cache",
    ".venv",
    "venv",
    "coverage",
    "tmp",
    "temp",
    ".turbo",
    ".gradle",
    "obj",
];

impl Flow {
    /// Goes through what the call does, one thing after the other, on top of what has happened.
    ///
    /// # Errors
    ///
    /// At the first thing that goes too far.
    pub(super) fn walk(
        &self,
        facts: &mut Facts,
        call: &ToolCall,
        effects: &Effects,
    ) -> Result<Vec<Step>, Fault> {
        let mut steps = Vec::new();
        let mut destroys = false;
        for effect in effects {
            self.check_sent(facts, effect)?;
            if let Some(path) = taken(&effect.act)
                && self.moved_then_deleted
                && let Some(moved) = facts.lost_with(&kept(&path.resolved))
            {
                return Err(Fault::Lost {
                    from: moved.from.clone(),
                    to: moved.to.clone(),
                });
            }
            if !destroys && is_destructive(&effect.act) {
                destroys = true;
                if self.destructive > 0 && facts.destroyed >= self.destructive {
                    return Err(Fault::TooMany);
                }
                facts.apply(&[Step::Destroyed]);
                steps.push(Step::Destroyed);
            }
            if let Some(step) = step(effect) {
                facts.apply(std::slice::from_ref(&step));
                if !steps.contains(&step) {
                    steps.push(step);
                }
            }
        }
        for fetch in tools::fetches(call) {
            let sends = fetch.has_query || fetch.sends != Sends::Nothing;
            self.check_host(facts, Some(&fetch.host), sends)?;
        }
        Ok(steps)
    }

    fn check_sent(&self, facts: &Facts, effect: &Effect) -> Result<(), Fault> {
        let Act::Net { host, sends, .. } = &effect.act else {
            return Ok(());
        };
        let words = || effect.evidence.split_whitespace();
        let asks_names = matches!(words().next(), Some("dig" | "nslookup" | "host" | "ping"));
        let says_more = words().any(|word| word.contains("://") && word.contains('?'))
            || asks_names
                && host
                    .as_deref()
                    .is_some_and(|host| host.split('.').any(|part| part.len() > 24));
        let is_told = host.as_deref().and_then(Host::of).is_some();
        self.check_host(
            facts,
            host.as_deref(),
            *sends != Sends::Nothing || says_more || !is_told,
        )
    }

    fn check_host(&self, facts: &Facts, written: Option<&str>, sends: bool) -> Result<(), Fault> {
        let Some(secret) = facts
            .secret
            .as_ref()
            .filter(|_| sends && self.secret_then_send)
        else {
            return Ok(());
        };
        let host = written.and_then(Host::of);
        let is_fine = host.is_some_and(|host| {
            let text = host.to_string();
            !host.is_metadata()
                && (host.is_here() || self.allow.iter().any(|pattern| pattern.matches(&text)))
        });
        match is_fine {
            true => Ok(()),
            false => Err(Fault::Sent {
                secret: secret.clone(),
                host: written.unwrap_or("?").to_owned(),
            }),
        }
    }
}

/// What an effect adds to what has happened.
fn step(effect: &Effect) -> Option<Step> {
    let is_sourced = matches!(
        effect.evidence.split_whitespace().next(),
        Some("source" | ".")
    );
    let moved = |from: &PathRef, to: &PathRef, is_copy: bool| {
        let counts = from.scope != Scope::Temporary
            && !is_made(from)
            && !matches!(to.scope, Scope::Unknown | Scope::Device);
        let (from, to) = (kept(&from.resolved), kept(&to.resolved));
        Some(match counts {
            true => Step::Moved(Moved { from, to, is_copy }),
            false => Step::Placed(to),
        })
    };
    match &effect.act {
        Act::Read { path } | Act::Copy { from: path, .. } if is_secret(path) && !is_sourced => {
            Some(Step::Read(kept(&path.resolved)))
        }
        Act::Move { from, to } => moved(from, to, false),
        Act::Copy { from, to } => moved(from, to, true),
        Act::Delete { path, .. } if path.scope != Scope::Unknown => {
            Some(Step::Deleted(kept(&path.resolved)))
        }
        _ => None,
    }
}

/// The folder that an act takes away with all in it.
fn taken(act: &Act) -> Option<&PathRef> {
    match act {
        Act::Delete { path, recursive } => {
            let is_many = path.all || path.resolved.contains(['*', '?', '[', '$']);
            (*recursive || is_many).then_some(path)
        }
        _ => None,
    }
}

/// Whether something goes away that nobody brings back.
fn is_destructive(act: &Act) -> bool {
    match act {
        Act::Delete { path, recursive } => {
            (*recursive || path.all)
                && !matches!(path.scope, Scope::Temporary | Scope::Unknown)
                && !is_made(path)
        }
        Act::Write {
            path,
            how: Write::Shred,
        } => path.scope != Scope::Temporary,
        Act::Git { what, target } => match what {
            Git::Discard => matches!(target.as_str(), "." | "./" | ":/" | "*"),
            Git::DeleteBranch | Git::DeleteTag | Git::ForceWithLease => false,
            _ => true,
        },
        Act::Disk { .. } | Act::Database { .. } | Act::Infrastructure { .. } => true,
        _ => false,
    }
}

fn is_made(path: &PathRef) -> bool {
    let mut names = path.resolved.split('/');
    names.any(|name| MADE.contains(&name)) || path.name().ends_with(".log")
}
