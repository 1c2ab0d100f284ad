//! Calls of the providers' own services, past the sidecar.

use super::{Harm, SelfProtection, tables::PROVIDERS};
use crate::policy::{
    ToolCall,
    effects::{Act, Effect, Effects, Sends},
    policies::guard::{host::Host, tools},
};

/// What somebody says who has a key, or asks a model for something.
const SPOKEN: &[&str] = &[
    "API_KEY",
    "api_key",
    "api-key",
    "apiKey",
    "AUTH_TOKEN",
    "Authorization",
    "authorization",
    "Bearer",
    "key=",
    "sk-",
    "messages",
    "completions",
    "/responses",
    "embeddings",
    "generateContent",
    "GenerateContent",
    "anthropic-version",
];
/// Programs that lead connections through themselves.
const TUNNELS: &[&str] = &["ssh", "autossh", "slogin", "socat", "openssl"];
/// Programs that only look whether somebody is there.
const PROBES: &[&str] = &[
    "ping",
    "dig",
    "host",
    "nslookup",
    "getent",
    "drill",
    "traceroute",
    "mtr",
    "nc",
    "ncat",
    "netcat",
    "openssl",
    "fping",
    "resolvectl",
    "tracepath",
];

impl SelfProtection {
    /// A provider that is asked without the sidecar: with a key, or for more than what there is.
    pub(super) fn goes_around(call: &ToolCall, effects: &Effects) -> Option<(Harm, String)> {
        let effect = effects.iter().find(|effect| match &effect.act {
            Act::Net {
                host: Some(host),
                sends,
                path,
                ..
            } => is_provider(host) && is_spoken_with(effect, host, *sends, path.as_deref(), call),
            _ => false,
        });
        if let Some(effect) = effect {
            return Some((
                Harm::Bypassed,
                format!("{effect}, in {:?}", effect.evidence),
            ));
        }
        let fetches = tools::fetches(call);
        let fetch = fetches.iter().find(|fetch| {
            is_provider(&fetch.host)
                && (fetch.sends != Sends::Nothing
                    || call.input().contains("x-api-key")
                    || call.input().contains("uthorization"))
        })?;
        Some((Harm::Bypassed, fetch.host.clone()))
    }
}

/// Whether a provider answers at a host.
fn is_provider(host: &str) -> bool {
    let host = Host::of(host)
        .map(|host| host.to_string())
        .unwrap_or_default();
    PROVIDERS.contains(&host.as_str())
}

fn is_spoken_with(
    effect: &Effect,
    host: &str,
    sends: Sends,
    path: Option<&str>,
    call: &ToolCall,
) -> bool {
    let program = effect
        .evidence
        .split_whitespace()
        .next()
        .unwrap_or_default();
    let program = program.rsplit('/').next().unwrap_or(program);
    if sends != Sends::Nothing {
        return true;
    }
    if path.is_none() && PROBES.contains(&program) {
        return false;
    }
    // A tunnel; a key, or a question to a model; a name that was not to be seen.
    TUNNELS.contains(&program)
        || SPOKEN.iter().any(|word| call.input().contains(word))
        || !call
            .input()
            .to_ascii_lowercase()
            .contains(&host.to_ascii_lowercase())
}
