//! The task that talks to Redis when nobody waits: settles exchanges that are over, keeps the places of those that are
//! not.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use redis::aio::ConnectionManager;
use tokio::{
    sync::{mpsc, oneshot},
    time::{MissedTickBehavior, interval, sleep},
};

use super::{
    away,
    scripts::{self, Settlement},
};

#[derive(Debug)]
pub(super) enum Command {
    Settle(Settlement),
    /// Tells when all before it is done.
    Flush(oneshot::Sender<()>),
}

/// The exchanges that are open, and the accounts in which they keep a place.
#[derive(Clone, Default)]
pub(super) struct Open(Arc<Mutex<HashMap<u64, Vec<String>>>>);

impl Open {
    pub(super) fn open(&self, exchange: u64, places: Vec<String>) {
        if !places.is_empty() {
            self.lock().insert(exchange, places);
        }
    }

    pub(super) fn close(&self, exchange: u64) {
        self.lock().remove(&exchange);
    }

    fn places(&self) -> Vec<(u64, String)> {
        let all = self.lock();
        all.iter()
            .flat_map(|(exchange, places)| places.iter().map(|place| (*exchange, place.clone())))
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Vec<String>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Most places that are renewed by one call: Redis does nothing else meanwhile.
const AT_ONCE: usize = 1000;

/// Runs until the queue's other end is gone, or it is aborted.
pub(super) async fn run(
    mut connection: ConnectionManager,
    mut commands: mpsc::Receiver<Command>,
    open: Open,
    lease: Duration,
) {
    let mut renew = interval((lease / 3).max(Duration::from_millis(10)));
    renew.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            command = commands.recv() => match command {
                Some(Command::Settle(settlement)) => settle(&mut connection, &settlement).await,
                // Whoever waited may have left.
                Some(Command::Flush(done)) => drop(done.send(())),
                None => return,
            },
            _ = renew.tick() => {
                for places in open.places().chunks(AT_ONCE) {
                    // A failure is made good by the next renewal; the lease outlasts three of them.
                    if let Err(error) = scripts::renewal(places, lease).invoke_async::<()>(&mut connection).await {
                        tracing::debug!(%error, "rate limits in Redis: renewal failed");
                    }
                }
            }
        }
    }
}

/// Tries until it is done. Meanwhile the queue holds what comes, and counts what it cannot hold.
async fn settle(connection: &mut ConnectionManager, settlement: &Settlement) {
    for failures in 0.. {
        match settlement.call().invoke_async::<()>(connection).await {
            Ok(()) => return,
            Err(error) => {
                tracing::debug!(%error, failures, "rate limits in Redis: settling failed, trying again");
                sleep(away::pause(failures)).await;
            }
        }
    }
}
