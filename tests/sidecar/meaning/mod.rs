//! Requests and replies that two readers could understand differently: both sides of the sidecar get to see what it
//! has understood itself, or nothing.

mod bounds;
mod framing;
mod hosts;
mod json;
mod paths;
mod repairs;
mod replies;

use crate::support::{
    client::ask, good::call, provider::Provider, replies::Dialect, sidecar::Sidecar,
};

/// Asks with this body: it passes, and the provider gets just these bytes.
async fn assert_passes(provider: &Provider, sidecar: &Sidecar, dialect: Dialect, body: &[u8]) {
    let response = ask(sidecar.agents, &call(dialect, body)).await;
    let shown = String::from_utf8_lossy(&body[..body.len().min(100)]);
    assert_eq!(
        response.status(),
        200,
        "{dialect} {shown}: {}",
        response.text()
    );
    assert!(provider.last().body == body, "{dialect} {shown}");
}
