//! The real binary over real sockets.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that panics has failed, as it should"
)]

#[path = "../support/mod.rs"]
mod support;

mod bad_clients;
mod bad_upstreams;
mod command_line;
mod doors;
mod fidelity;
mod lifecycle;
mod meaning;
mod metrics;
mod policies;
mod readme;
mod record;
mod sharing;
