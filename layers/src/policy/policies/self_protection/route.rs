//! What leads past the sidecar.

use serde_json::Value;

use super::{
    Harm, SelfProtection,
    tables::{
        AGENTS, PACKAGES, PROVIDERS, READ_ANYWHERE, READ_AT_START, READ_FROM_ROOT, ROUTERS, SETTERS,
    },
};
use crate::policy::{
    ToolCall,
    effects::{Act, Effect, Effects, PathRef},
    policies::guard::names::{is_at, is_somewhere},
};

impl SelfProtection {
    /// Another way to the model than through the sidecar.
    pub(super) fn bypasses(&self, call: &ToolCall, effects: &Effects) -> Option<(Harm, String)> {
        let starts_agent = effects.iter().any(|effect| is_agent(&effect.act));
        let says = |words: &[&str]| words.iter().any(|word| call.input().contains(word));
        // Also what only comes out when it is written.
        let sets = |effect: &Effect| matches!(&effect.act, Act::Environment { name, value } if name != "*" && self.leads_elsewhere(name, value.as_deref()));
        let names_variable = self
            .variables
            .iter()
            .any(|name| contains_word(call.input(), name))
            || effects.iter().any(sets)
            || says(&["base_url", "baseURL", "model_provider", "apiBase"]);
        let names_provider = says(PROVIDERS)
            || effects
                .iter()
                .any(|effect| PROVIDERS.iter().any(|host| effect.evidence.contains(host)));
        // Its own address, and another in its place.
        let replaces = self
            .addresses
            .iter()
            .any(|address| says(&[address.as_str()]))
            && (names_provider || call.input().matches("://").count() > 1);
        let narrows = says(&[
            "with_entries",
            "del(.env",
            ".env |=",
            ".env = {",
            ".env={",
            "pop('env'",
            "delpaths",
        ]) && says(&["env"]);
        let reads_startup = effects
            .iter()
            .any(|effect| matches!(&effect.act, Act::Read { path } if is_read_at_start(path)));
        let effect = effects.iter().find(|effect| match &effect.act {
            // Whoever changes what cannot be told, and speaks of it.
            Act::Environment { name, value } if name.starts_with('$') => {
                let is_own = value
                    .as_deref()
                    .is_some_and(|value| self.is_own_address(value));
                starts_agent && !is_own && self.names_kind(call)
            }
            Act::Environment { name, value } => {
                starts_agent && self.leads_elsewhere(name, value.as_deref())
            }
            act if is_agent(act)
                && self.variables.iter().any(|name| is_set(call.input(), name))
                && !self.sets_own_address_only(call) =>
            {
                true
            }
            Act::Exec { program, args } if is_agent(&effect.act) => {
                let has = |word: &String| {
                    // The provider that is there without any setting.
                    (["model_provider=openai", "model_provider=\"openai"]
                        .iter()
                        .any(|part| word.contains(part))
                        || ["base_url", "base-url", "api-base", "api_base"]
                            .iter()
                            .any(|part| word.contains(part))
                        || self
                            .variables
                            .iter()
                            .any(|name| word.contains(name.as_str())))
                        && !self.is_own_address(word)
                };
                program != "cat" && args.iter().any(has)
            }
            Act::Exec { program, args } if ROUTERS.contains(&program.as_str()) => {
                args.iter().any(|word| {
                    PROVIDERS.iter().any(|host| word.contains(host)) || self.has_port(word)
                })
            }
            Act::Exec { program, args } if SETTERS.contains(&program.as_str()) => {
                let sets =
                    |word: &String| self.variables.iter().any(|name| contains_word(word, name));
                args.iter().any(sets)
            }
            // Whatever variables there are in the settings of an agent, some go.
            act if narrows && written(act).is_some_and(is_agents) => true,
            act => written(act).is_some_and(|path| {
                let is_startup =
                    is_read_at_start(path) || path.resolved.contains('$') && reads_startup;
                ((names_variable || replaces) && is_startup && !self.sets_own_address_only(call))
                    || names_provider && is_hosts(path)
            }),
        })?;
        Some((Harm::Bypassed, describe(effect)))
    }

    fn leads_elsewhere(&self, name: &str, value: Option<&str>) -> bool {
        let is_one = |known: &String| match name.strip_suffix('*') {
            Some(start) => known.starts_with(start),
            None => known.eq_ignore_ascii_case(name),
        };
        let is_meant = name == "*" || self.variables.iter().any(is_one);
        is_meant && !value.is_some_and(|value| self.is_own_address(value))
    }

    /// Whether a call has a word with which variables begin that lead elsewhere: `ANTHROPIC`.
    fn names_kind(&self, call: &ToolCall) -> bool {
        let mut kinds = self
            .variables
            .iter()
            .filter_map(|name| name.split('_').next());
        kinds.any(|kind| call.input().contains(kind))
    }

    /// Whether a text has one of its addresses, and no other.
    fn is_own_address(&self, text: &str) -> bool {
        let text = text.trim_matches(['"', '\'', '/']);
        self.addresses.iter().any(|address| {
            let bare = text.rsplit("://").next().unwrap_or(text);
            let bare = bare.trim_end_matches("/v1").trim_end_matches('/');
            let here = |host: &str| {
                address
                    .rsplit(':')
                    .next()
                    .is_some_and(|port| bare == format!("{host}:{port}"))
            };
            bare == address
                || here("localhost")
                || here("127.0.0.1")
                || here("host.docker.internal")
        })
    }

    /// Whether what is written sets variables to its addresses, and to nothing else.
    fn sets_own_address_only(&self, call: &ToolCall) -> bool {
        let text = new_text(call);
        let mut urls = text.split("://").skip(1).peekable();
        urls.peek().is_some()
            && urls.all(|rest| {
                let end = rest.find(|c: char| {
                    c.is_whitespace()
                        || matches!(
                            c,
                            '"' | '\'' | '\\' | ';' | '&' | '|' | ')' | '>' | ',' | '}' | '#' | '`'
                        )
                });
                self.is_own_address(rest.get(..end.unwrap_or(rest.len())).unwrap_or_default())
            })
    }
}

/// The text that a call puts in the place of another, as far as it is that of a tool for files; of others, all it says.
fn new_text(call: &ToolCall) -> String {
    let Some(Value::Object(members)) = call.arguments() else {
        // What a patch takes away counts as well.
        return String::new();
    };
    let new = [
        "new_string",
        "new_str",
        "content",
        "file_text",
        "insert_text",
    ];
    let mut texts = new
        .iter()
        .filter_map(|name| members.get(*name)?.as_str())
        .peekable();
    match texts.peek() {
        Some(_) => texts.collect::<Vec<_>>().join("\n"),
        None if members.contains_key("old_string") || members.contains_key("old_str") => {
            String::new()
        }
        None => call.input().to_owned(),
    }
}

fn describe(effect: &Effect) -> String {
    format!("{effect}, in {:?}", effect.evidence)
}

fn is_agent(act: &Act) -> bool {
    let Act::Exec { program, args } = act else {
        return false;
    };
    AGENTS.contains(&program.as_str())
        || PACKAGES
            .iter()
            .any(|package| package.ends_with(program.as_str()) && program.len() > 4)
        || args
            .iter()
            .any(|word| PACKAGES.iter().any(|package| word.contains(package)))
}

/// The file that an act gives other content.
fn written(act: &Act) -> Option<&PathRef> {
    match act {
        Act::Write { path, .. } | Act::Copy { to: path, .. } | Act::Move { to: path, .. } => {
            Some(path)
        }
        _ => None,
    }
}

/// The settings of an agent.
fn is_agents(path: &PathRef) -> bool {
    let names = [
        ".claude/settings*.json",
        ".codex/config.toml",
        ".gemini/settings.json",
    ];
    names
        .iter()
        .any(|name| is_somewhere(&path.resolved, name, false))
}

fn is_read_at_start(path: &PathRef) -> bool {
    let home = path
        .in_home()
        .is_some_and(|home| READ_AT_START.iter().any(|entry| is_at(home, entry, false)));
    home || READ_ANYWHERE
        .iter()
        .any(|entry| is_somewhere(&path.resolved, entry, false))
        || READ_FROM_ROOT
            .iter()
            .any(|entry| is_at(&path.resolved, entry, false))
}

fn is_hosts(path: &PathRef) -> bool {
    [
        "etc/hosts",
        "private/etc/hosts",
        "etc/resolv.conf",
        "etc/dnsmasq*",
        "etc/hosts.d",
        "c/windows/system32/drivers/etc/hosts",
    ]
    .iter()
    .any(|entry| is_at(&path.resolved, entry, false))
}

/// Whether a name stands in a text, and not as a part of a longer one.
pub(super) fn contains_word(text: &str, name: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let text = text.to_ascii_uppercase();
    text.match_indices(&name.to_ascii_uppercase())
        .any(|(at, found)| {
            let before = text.get(..at).and_then(|before| before.chars().next_back());
            let after = text
                .get(at + found.len()..)
                .and_then(|after| after.chars().next());
            // `\n` in JSON ends in a letter.
            let is_escape = text
                .get(..at)
                .is_some_and(|before| before.ends_with("\\N") || before.ends_with("\\T"));
            (is_escape || !before.is_some_and(is_part)) && !after.is_some_and(is_part)
        })
}

/// Whether a text gives a name another value, or takes it away, in whichever language.
fn is_set(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, found)| {
        let before = text.get(..at).unwrap_or_default();
        let after = text.get(at + found.len()..).unwrap_or_default();
        let after = after.trim_start_matches('\\');
        let last = before.rsplit([';', '\n', '(']).next().unwrap_or_default();
        last.contains("delete ")
            || after.starts_with(['"', '\'', ']'])
            || after.starts_with('=') && !after.starts_with("==")
            || ["-n ", "unset ", "-u "]
                .iter()
                .any(|way| before.ends_with(way))
    })
}
