//! Listeners: sockets, timers, TLS, and how they stop.

mod accept;
mod connection;
mod edge;
mod hosts;
mod io;
mod tls;

pub(crate) use accept::{Listener, Settings, bind};
pub(crate) use connection::{Answer, Protocol};
pub(crate) use edge::Edge;
pub(crate) use hosts::Hosts;
pub(crate) use io::Timers;
pub(crate) use tls::{TlsError, acceptor};
