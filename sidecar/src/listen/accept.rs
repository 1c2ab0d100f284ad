//! Accepting connections, as many as there may be.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwapOption;
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::Semaphore,
    time::sleep,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::connection::{self, Answer, Protocol};

/// How a listener treats connections.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) protocol: Protocol,
    /// Connections at once; more wait.
    pub(crate) connections: usize,
    /// Connections from one other machine at once; more are closed.
    pub(crate) per_address: usize,
    /// TLS, if it is to be spoken; may be replaced while the listener runs.
    pub(crate) tls: Arc<ArcSwapOption<TlsAcceptor>>,
}

/// Binds an address. Says what to do if it is taken.
pub(crate) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let bound = || {
        let socket = if address.is_ipv4() {
            TcpSocket::new_v4()?
        } else {
            TcpSocket::new_v6()?
        };
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(4096)
    };
    bound().map_err(|error| {
        io::Error::new(error.kind(), format!("cannot listen on {address}: {error}"))
    })
}

/// A listener and the connections it has accepted.
pub(crate) struct Listener {
    tasks: TaskTracker,
    /// Asks connections to end after what they are doing.
    stop: CancellationToken,
}

impl Listener {
    /// Accepts until [`stop`](Self::stop). Must be called inside a tokio runtime.
    pub(crate) fn run<A: Answer>(listener: TcpListener, settings: Settings, answer: A) -> Self {
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        tasks.spawn(accept(
            listener,
            settings,
            answer,
            tasks.clone(),
            stop.clone(),
        ));
        Self { tasks, stop }
    }

    /// Accepts no more, and lets connections end after what they are doing.
    pub(crate) fn stop(&self) {
        self.stop.cancel();
        self.tasks.close();
    }

    /// Waits until all connections have ended. They do so only after [`stop`](Self::stop).
    pub(crate) async fn ended(&self) {
        self.tasks.wait().await;
    }
}

async fn accept<A: Answer>(
    listener: TcpListener,
    settings: Settings,
    answer: A,
    tasks: TaskTracker,
    stop: CancellationToken,
) {
    let places = Arc::new(Semaphore::new(settings.connections));
    let neighbours = Neighbours::default();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = async {
                let place = places.clone().acquire_owned().await;
                (place, listener.accept().await)
            } => accepted,
        };
        let (place, (stream, peer)) = match accepted {
            (Ok(place), Ok(accepted)) => (place, accepted),
            (_, Err(error)) => {
                if !is_the_peers(&error) {
                    // No descriptors left, for example: trying at once again would only spin.
                    tracing::warn!(%error, "cannot accept connections, trying again");
                    sleep(Duration::from_millis(100)).await;
                }
                continue;
            }
            // The semaphore is never closed.
            (Err(_), _) => return,
        };
        let peer = peer.ip().to_canonical();
        let Some(neighbour) = neighbours.enter(peer, settings.per_address) else {
            tracing::debug!(%peer, "too many connections from one address");
            continue;
        };
        prepare(&stream);
        let tls = settings.tls.load_full().map(|tls| (*tls).clone());
        let serving = connection::serve(
            stream,
            peer,
            tls,
            settings.protocol,
            answer.clone(),
            stop.clone(),
        );
        tasks.spawn(async move {
            let _held_until_it_ends = (place, neighbour);
            serving.await;
        });
    }
}

/// Events are small and each is wanted at once.
fn prepare(stream: &TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection cannot be told to send at once");
    }
}

/// The peer left before it was accepted.
fn is_the_peers(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}

/// How many connections each address has. This machine's own are not counted: they are all of one address.
#[derive(Clone, Default)]
struct Neighbours(Arc<Mutex<HashMap<IpAddr, usize>>>);

struct Neighbour(Neighbours, IpAddr);

impl Neighbours {
    fn enter(&self, address: IpAddr, most: usize) -> Option<Option<Neighbour>> {
        if address.is_loopback() {
            return Some(None);
        }
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(address).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Some(Neighbour(self.clone(), address)))
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        let Self(neighbours, address) = self;
        let mut counts = neighbours.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_only_so_many_connections_and_this_machine_as_many_as_it_likes() {
        let neighbours = Neighbours::default();
        let other = IpAddr::from([192, 0, 2, 1]);
        let held: Vec<_> = (0..3)
            .map(|_| neighbours.enter(other, 3).unwrap())
            .collect();
        assert!(neighbours.enter(other, 3).is_none());
        assert!(neighbours.enter(IpAddr::from([192, 0, 2, 2]), 3).is_some());
        assert!((0..9).all(|_| neighbours.enter(IpAddr::from([127, 0, 0, 1]), 3).is_some()));
        drop(held);
        assert!(neighbours.0.lock().unwrap().is_empty());
        assert!(neighbours.enter(other, 3).is_some());
    }
}
