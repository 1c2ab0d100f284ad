//! The release binary against a bare pass-through, with the same load in turns. `scripts/bench` runs it.
//!
//! This one program plays every part, each in a process of its own: the provider, the bare proxy, the load. What is
//! measured is the proxy's process alone: its CPU time as the kernel counts it, its memory, and how long requests take
//! through it. Figures of one machine and one hour are worth little; the ratios to the bare proxy in the same run are what
//! counts.

mod bare;
mod http;
mod load;
mod measure;
#[path = "../support/page.rs"]
mod page;
mod process;
mod provider;
mod report;

use std::{
    env,
    io::{self, Write},
    process::ExitCode,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["provider"] => provider::run(),
        ["bare", upstream] => bare::run(upstream),
        options => measure::run(options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing more can be done if nobody listens.
            writeln!(io::stderr(), "{error}").ok();
            ExitCode::FAILURE
        }
    }
}
