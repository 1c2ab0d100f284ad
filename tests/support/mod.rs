//! What tests of the real binary stand on: a provider on a real socket, the sidecar as a process, clients that speak raw
//! HTTP. Nothing here is kinder than the network.
//!
//! Nothing waits for a time: a test waits for what must happen, and [`within`] says how long that may take at most.

#![allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "each test program uses its part of this"
)]

pub mod client;
pub mod good;
pub mod http1;
pub mod provider;
pub mod redis;
pub mod replies;
pub mod sidecar;

use std::time::Duration;

/// How long is waited for what must happen: so long that a machine which has just read nothing into memory starts a client.
const PATIENCE: Duration = Duration::from_secs(120);

/// Waits for what must happen, and fails if it does not.
pub async fn within<F: Future>(what: &str, happens: F) -> F::Output {
    match tokio::time::timeout(PATIENCE, happens).await {
        Ok(output) => output,
        Err(_) => panic!("{what}: did not happen within {PATIENCE:?}"),
    }
}

/// As hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    sha2::Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
