//! Tower layers between AI agents and the models they call.
//!
//! Each layer is a feature of its own and stands alone. Those that look into requests and replies stand between two
//! gates, which [`gate()`] provides: `Router::layer(luthien::gate(…))` works in any axum, hyper or tower application.
//!
//! | layer | feature | does |
//! |---|---|---|
#![cfg_attr(
    feature = "identity",
    doc = "| [`identity`] | `identity` | who calls, and for which conversation |"
)]
#![cfg_attr(
    feature = "limit",
    doc = "| [`limit`] | `limit` | how large a request may be; repairs what clients send by mistake |"
)]
#![cfg_attr(
    feature = "metrics",
    doc = "| [`metrics`] | `metrics` | what is counted and timed, for Prometheus |"
)]
#![cfg_attr(
    feature = "policy",
    doc = "| [`policy`] | `policy` | what may be asked, said and done: policies, and the engine that keeps them |"
)]
#![cfg_attr(
    feature = "rate",
    doc = "| [`rate`] | `rate` | how often, how many tokens, how many at once |"
)]
#![cfg_attr(
    feature = "record",
    doc = "| [`record`] | `record` | every conversation, kept faithfully |"
)]
#![cfg_attr(
    feature = "breaker",
    doc = "| [`breaker`] | `breaker` | providers that fail are left alone for a while |"
)]
#![cfg_attr(
    feature = "deadline",
    doc = "| [`deadline`] | `deadline` | how long a provider may take |"
)]
#![cfg_attr(
    feature = "upstream",
    doc = "| [`upstream`] | `upstream` | the provider: routes, credentials, failover |"
)]
#![cfg_attr(
    feature = "stack",
    doc = "| [`stack`] | `stack` | all of them, in the order that is recommended |"
)]
#![cfg_attr(
    test,
    allow(
        clippy::string_slice,
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss,
        clippy::needless_pass_by_value,
        reason = "a test that panics has failed, as it should"
    )
)]

#[cfg(feature = "breaker")]
pub mod breaker;
#[cfg(feature = "upstream")]
mod connect;
#[cfg(feature = "deadline")]
pub mod deadline;
#[cfg(any(feature = "identity", feature = "limit"))]
pub mod future;
#[cfg(feature = "identity")]
pub mod identity;
#[cfg(feature = "limit")]
pub mod limit;
#[cfg(feature = "metrics")]
pub mod metrics;
#[cfg(feature = "policy")]
pub mod policy;
#[cfg(feature = "rate")]
pub mod rate;
#[cfg(feature = "record")]
pub mod record;
#[cfg(feature = "stack")]
pub mod stack;
#[cfg(feature = "upstream")]
pub mod upstream;

pub use luthien_core::{
    BoxError, Dialect, body, decision, dialect, facts,
    gate::{self, gate},
    json, reject, reply, request, sse,
};

/// Runs the README's Rust.
#[cfg(all(doctest, feature = "stack"))]
#[doc = include_str!("../../README.md")]
struct Readme;
