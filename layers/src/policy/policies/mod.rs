//! The policies that come with this crate, each with its settings. [`find`](super::find) makes them by name.

pub mod all_caps;
mod closing;
pub mod conversation_link;
#[cfg(feature = "guards")]
pub mod dangerous_commands;
pub mod debug_log;
pub mod deny_tools;
#[cfg(feature = "guards")]
pub mod flow;
#[cfg(feature = "guards")]
mod guard;
pub mod indicator;
#[cfg(feature = "guards")]
pub mod network_egress;
pub mod noop;
pub mod replace;
#[cfg(feature = "guards")]
pub mod self_protection;
#[cfg(feature = "guards")]
pub mod sensitive_files;
#[cfg(test)]
mod tests;

use super::registry::Builtin;

/// By name.
pub(super) static BUILTINS: &[Builtin] = &[
    all_caps::BUILTIN,
    conversation_link::BUILTIN,
    #[cfg(feature = "guards")]
    dangerous_commands::BUILTIN,
    debug_log::BUILTIN,
    deny_tools::BUILTIN,
    #[cfg(feature = "guards")]
    flow::BUILTIN,
    indicator::BUILTIN,
    #[cfg(feature = "guards")]
    network_egress::BUILTIN,
    noop::BUILTIN,
    replace::BUILTIN,
    #[cfg(feature = "guards")]
    self_protection::BUILTIN,
    #[cfg(feature = "guards")]
    sensitive_files::BUILTIN,
];
