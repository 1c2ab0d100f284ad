//! Who administers the sidecar, or starts another.

use serde_json::Value;

use super::{Harm, SelfProtection, tables::QUESTIONS};
use crate::policy::{
    ToolCall,
    effects::{Act, Effect, Effects, Sends},
    policies::guard::host::Host,
};

/// Options that have their value in the next word.
const VALUED: &[&str] = &["--config", "-c", "--listen", "--admin", "--log", "--set"];
/// Programs that start containers.
const CONTAINERS: &[&str] = &["docker", "podman", "nerdctl"];

impl SelfProtection {
    /// Its own commands that change something, and its admin address.
    pub(super) fn administers(&self, call: &ToolCall, effects: &Effects) -> Option<(Harm, String)> {
        let effect = effects.iter().find(|effect| match &effect.act {
            Act::Exec { program, args } => self.is_commanded(program, args),
            Act::Net { .. } => self.is_asked(effect, call),
            _ => false,
        });
        if let Some(effect) = effect {
            return Some((
                Harm::Administered,
                format!("{effect}, in {:?}", effect.evidence),
            ));
        }
        let url = addresses(call).into_iter().find(|url| self.is_admin(url))?;
        Some((Harm::Administered, url.to_owned()))
    }

    fn is_commanded(&self, program: &str, args: &[String]) -> bool {
        let is_it = |name: &String| name.eq_ignore_ascii_case(program);
        if self.processes.iter().any(is_it) {
            return changes(args);
        }
        // Another one in a container.
        let Some(at) = args
            .iter()
            .position(|word| matches!(word.as_str(), "run" | "create"))
        else {
            return false;
        };
        let mut behind = args.iter().skip(at);
        let image = behind.position(|word| {
            let last = word.rsplit('/').next().unwrap_or(word);
            let name = last.split([':', '@']).next().unwrap_or(last);
            !word.starts_with('-')
                && self
                    .processes
                    .iter()
                    .any(|known| known.eq_ignore_ascii_case(name))
        });
        CONTAINERS.contains(&program) && image.is_some() && {
            let rest: Vec<String> = behind.cloned().collect();
            changes(&rest)
        }
    }

    /// Whether its admin address is asked for more than how it is.
    fn is_asked(&self, effect: &Effect, call: &ToolCall) -> bool {
        let Act::Net {
            host,
            port,
            path,
            sends,
        } = &effect.act
        else {
            return false;
        };
        if !self.is_its_host(host.as_deref()) {
            return false;
        }
        match port {
            Some(port) => {
                self.admin_ports.contains(port)
                    && match path.as_deref() {
                        Some(path) => !is_question(path),
                        // A connection by which nothing is said.
                        None => *sends != Sends::Nothing,
                    }
            }
            // The text may say more than the effect.
            None => path.is_none() && *sends != Sends::Nothing && self.is_admin_named(call.input()),
        }
    }

    /// Whether a host could be the one at which it is administered.
    fn is_its_host(&self, host: Option<&str>) -> bool {
        match host.map(Host::of) {
            // Nobody knows.
            None | Some(None) => true,
            Some(Some(host)) => host.is_here() || self.admin_hosts.contains(&host),
        }
    }

    /// Whether a text has the number of the admin's port.
    fn is_admin_named(&self, text: &str) -> bool {
        let mut numbers = text.split(|c: char| !c.is_ascii_digit());
        numbers.any(|number| {
            number
                .parse()
                .is_ok_and(|port| self.admin_ports.contains(&port))
        })
    }

    /// Whether a URL is the admin address, and no question.
    fn is_admin(&self, url: &str) -> bool {
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        let (place, path) = rest.split_once('/').unwrap_or((rest, ""));
        let place = place.rsplit('@').next().unwrap_or(place);
        let path = path.split(['?', '#']).next().unwrap_or(path);
        place.rsplit_once(':').is_some_and(|(host, port)| {
            port.parse()
                .is_ok_and(|port| self.admin_ports.contains(&port))
                && self.is_its_host(Some(host))
                && !is_question(path)
        })
    }
}

/// Paths at which the sidecar says how it is.
fn is_question(path: &str) -> bool {
    matches!(path.trim_matches('/'), "health" | "ready" | "metrics")
}

/// Whether a command of the sidecar changes something, or starts another.
fn changes(args: &[String]) -> bool {
    let asks = args
        .iter()
        .take_while(|word| *word != "--")
        .any(|word| matches!(word.as_str(), "--help" | "-h" | "--version" | "-V"));
    let mut is_value = false;
    let mut words = args.iter().filter(|word| {
        let is_word = !is_value && !word.starts_with('-');
        is_value = VALUED.contains(&word.as_str());
        is_word
    });
    let is_set = args
        .iter()
        .take_while(|word| *word != "--")
        .any(|word| VALUED.iter().any(|option| word.starts_with(option)));
    let changes = match words.next().map(String::as_str) {
        // It serves.
        None | Some("serve") => true,
        Some("keys") => words
            .next()
            .is_some_and(|word| !matches!(word.as_str(), "list" | "help")),
        Some("log") => words.next().is_none_or(|word| word != "verify"),
        // Alone it lists what is held.
        Some("hold") => words.next().is_some() || args.iter().any(|word| word == "--off"),
        // An agent behind a sidecar of its own, whose rules are those of this one unless others are named.
        Some("run" | "exec") => is_set,
        // In its image, another program that is there.
        Some(
            "sh" | "bash" | "ash" | "ls" | "cat" | "env" | "id" | "true" | "stat" | "find" | "ldd",
        ) => false,
        Some(command) => !QUESTIONS.contains(&command),
    };
    changes && !asks
}

/// Texts that tools fetch: members whose name says so.
fn addresses(call: &ToolCall) -> Vec<&str> {
    let members = call.arguments().and_then(Value::as_object);
    let urls = members.into_iter().flatten().filter(|(name, _)| {
        let name = name.to_ascii_lowercase();
        name.ends_with("url") || name.ends_with("uri") || name.ends_with("endpoint")
    });
    urls.filter_map(|(_, value)| value.as_str()).collect()
}
