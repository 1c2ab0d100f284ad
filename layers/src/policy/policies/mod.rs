//! The policies that come with this crate, each with its settings. [`find`](super::find) makes them by name.

pub mod all_caps;
mod closing;
pub mod conversation_link;
#[cfg(feature = "guards")]
pub mod dangerous_commands;
pub mod debug_log;
pub mod deny_tools;
#[cfg(feature = "secrets")]
mod detected;
#[cfg(feature = "guards")]
pub mod flow;
#[cfg(feature = "guards")]
mod guard;
#[cfg(feature = "policies-http")]
pub mod http;
pub mod indicator;
pub mod judges;
#[cfg(feature = "guards")]
pub mod network_egress;
pub mod noop;
#[cfg(feature = "secrets")]
pub mod personal_data;
pub mod presets;
pub mod replace;
pub mod rules;
#[cfg(feature = "secrets")]
pub mod secret_vault;
#[cfg(feature = "secrets")]
pub mod secrets;
#[cfg(feature = "guards")]
pub mod self_protection;
#[cfg(feature = "guards")]
pub mod sensitive_files;
#[cfg(test)]
mod tests;
#[cfg(feature = "secrets")]
mod texts;

use super::registry::Builtin;

/// By name.
pub(super) static BUILTINS: &[Builtin] = &[
    all_caps::BUILTIN,
    presets::block_web_requests::BUILTIN,
    conversation_link::BUILTIN,
    #[cfg(feature = "guards")]
    dangerous_commands::BUILTIN,
    debug_log::BUILTIN,
    deny_tools::BUILTIN,
    #[cfg(feature = "guards")]
    flow::BUILTIN,
    #[cfg(feature = "policies-http")]
    http::BUILTIN,
    indicator::BUILTIN,
    judges::judge::BUILTIN,
    #[cfg(feature = "guards")]
    network_egress::BUILTIN,
    presets::no_apologies::BUILTIN,
    presets::no_yapping::BUILTIN,
    noop::BUILTIN,
    #[cfg(feature = "secrets")]
    personal_data::BUILTIN,
    presets::plain_dashes::BUILTIN,
    presets::prefer_uv::BUILTIN,
    replace::BUILTIN,
    rules::BUILTIN,
    #[cfg(feature = "secrets")]
    secret_vault::BUILTIN,
    #[cfg(feature = "secrets")]
    secrets::BUILTIN,
    #[cfg(feature = "guards")]
    self_protection::BUILTIN,
    #[cfg(feature = "guards")]
    sensitive_files::BUILTIN,
    judges::tool_call_judge::BUILTIN,
];

/// Without its end: it becomes part of another sentence.
fn sentence(text: &str) -> String {
    text.trim().trim_end_matches('.').to_owned()
}
