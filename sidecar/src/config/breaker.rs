//! When a provider that fails is left alone.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Time;

/// When a provider that fails is left alone, for each model apart: requests go to the next upstream that a route names, or are refused with a
/// 503 that says when to come again. A failure is that it cannot be reached, and 500, 502, 503, 504 and 529; also a 429, if all ask with
/// one credential. If it says with `retry-after` for how long it wants to be left alone, and the route
/// names another, it is at once.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Breaker {
    /// Whether it is left alone at all.
    pub(crate) enabled: bool,
    /// So many failures within `window`, if they are half of all attempts or more.
    pub(crate) failures: u32,
    /// How long a failure counts.
    pub(crate) window: Time,
    /// For how long it is left alone. Then one request is let through: if that fails as well, twice as long.
    pub(crate) rest: Time,
    /// For how long at most, also if it asks for more.
    pub(crate) longest: Time,
    /// A reply whose head takes longer than this is a failure, too.
    pub(crate) slow: Time,
}

impl Default for Breaker {
    fn default() -> Self {
        Self {
            enabled: true,
            failures: 10,
            window: Time::seconds(30),
            rest: Time::seconds(5),
            longest: Time::seconds(60),
            slow: Time(std::time::Duration::MAX),
        }
    }
}

impl Breaker {
    pub(crate) fn settings(&self) -> luthien::breaker::Settings {
        luthien::breaker::Settings {
            failures: self.failures,
            window: self.window.0,
            rest: self.rest.0,
            longest: self.longest.0,
            slow: (self.slow.0 < std::time::Duration::MAX).then_some(self.slow.0),
        }
    }
}
