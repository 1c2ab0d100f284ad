//! The policies that come with this crate, each with its settings. [`find`](super::find) makes them by name.

pub mod all_caps;
mod closing;
pub mod conversation_link;
pub mod debug_log;
pub mod deny_tools;
pub mod indicator;
pub mod judges;
pub mod noop;
pub mod replace;
#[cfg(test)]
mod tests;

use super::registry::Builtin;

/// By name.
pub(super) static BUILTINS: [Builtin; 9] = [
    all_caps::BUILTIN,
    conversation_link::BUILTIN,
    debug_log::BUILTIN,
    deny_tools::BUILTIN,
    indicator::BUILTIN,
    judges::judge::BUILTIN,
    noop::BUILTIN,
    replace::BUILTIN,
    judges::tool_call_judge::BUILTIN,
];
