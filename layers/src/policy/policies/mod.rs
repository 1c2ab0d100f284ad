//! The policies that come with this crate, each with its settings. [`find`](super::find) makes them by name.

pub mod all_caps;
mod closing;
pub mod conversation_link;
pub mod debug_log;
pub mod deny_tools;
#[cfg(feature = "secrets")]
mod detected;
pub mod indicator;
pub mod noop;
#[cfg(feature = "secrets")]
pub mod personal_data;
pub mod replace;
#[cfg(feature = "secrets")]
pub mod secret_vault;
#[cfg(feature = "secrets")]
pub mod secrets;
#[cfg(test)]
mod tests;
#[cfg(feature = "secrets")]
mod texts;

use super::registry::Builtin;

/// By name.
pub(super) static BUILTINS: &[Builtin] = &[
    all_caps::BUILTIN,
    conversation_link::BUILTIN,
    debug_log::BUILTIN,
    deny_tools::BUILTIN,
    indicator::BUILTIN,
    noop::BUILTIN,
    #[cfg(feature = "secrets")]
    personal_data::BUILTIN,
    replace::BUILTIN,
    #[cfg(feature = "secrets")]
    secret_vault::BUILTIN,
    #[cfg(feature = "secrets")]
    secrets::BUILTIN,
];
