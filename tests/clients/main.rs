//! Real clients through the real binary to a scripted provider. `scripts/clients` installs them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that panics has failed, as it should"
)]
#![allow(
    unreachable_pub,
    reason = "what the modules of a program share is `pub` in all of its tests"
)]

#[path = "../support/mod.rs"]
mod support;

mod model;
mod run;
mod sdk;

mod anthropic;
mod claude_code;
mod codex;
mod openai;
mod policies;
