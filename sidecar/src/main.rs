//! `luthien`: the sidecar that stands between AI agents and the models they call.
//!
//! Composes the layers of `luthien-tower` behind a port, and decides nothing that a user of the library could not.

mod admin;
mod cli;
mod compose;
mod config;
mod keyfile;
mod listen;
mod log;
mod metrics;
mod policy;
mod record;
mod script;
mod serve;
mod trial;
mod watch;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::run()
}
