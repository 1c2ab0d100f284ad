//! Load: as fast as the other side answers, or on a schedule whatever it does.

use std::{io, sync::Arc, time::Duration};

use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};

use super::http::Client;

/// Sends requests, each list over a connection of its own, each request as soon as the one before is answered.
pub(crate) async fn saturate(address: &str, requests: Vec<Vec<Arc<[u8]>>>) -> io::Result<()> {
    let mut tasks = JoinSet::new();
    for requests in requests {
        let address = address.to_owned();
        tasks.spawn(async move {
            let mut client = Client::connect(&address).await?;
            for request in requests {
                client.ask(&request).await?.finish().await?;
            }
            Ok::<_, io::Error>(())
        });
    }
    all(tasks).await
}

/// Sends a request every `gap`, whether or not the ones before are answered; answers how long each took, from when it
/// was due.
pub(crate) async fn on_schedule(
    address: &str,
    request: &Arc<[u8]>,
    gap: Duration,
    count: u32,
) -> io::Result<Vec<Duration>> {
    // So many that one is always free.
    const CONNECTIONS: usize = 16;
    let (idle, free) = async_channel(CONNECTIONS, address).await?;
    let mut tasks: JoinSet<io::Result<Duration>> = JoinSet::new();
    let start = Instant::now();
    for number in 0..count {
        let due = start + gap * number;
        sleep_until(due).await;
        let (idle, free, request) = (idle.clone(), free.clone(), request.clone());
        tasks.spawn(async move {
            let mut client = free
                .lock()
                .await
                .recv()
                .await
                .ok_or(io::ErrorKind::BrokenPipe)?;
            client.ask(&request).await?.finish().await?;
            let took = due.elapsed();
            idle.send(client)
                .await
                .map_err(|_| io::ErrorKind::BrokenPipe)?;
            Ok(took)
        });
    }
    let mut times = Vec::with_capacity(tasks.len());
    while let Some(time) = tasks.join_next().await {
        times.push(time.map_err(io::Error::other)??);
    }
    times.sort_unstable();
    Ok(times)
}

type Clients = (
    tokio::sync::mpsc::Sender<Client>,
    Arc<tokio::sync::Mutex<tokio::sync::mpsc::Receiver<Client>>>,
);

async fn async_channel(count: usize, address: &str) -> io::Result<Clients> {
    let (sender, receiver) = tokio::sync::mpsc::channel(count);
    for _ in 0..count {
        sender
            .send(Client::connect(address).await?)
            .await
            .map_err(|_| io::ErrorKind::BrokenPipe)?;
    }
    Ok((sender, Arc::new(tokio::sync::Mutex::new(receiver))))
}

/// Opens `count` streams and reads them all to their end.
pub(crate) async fn stream(address: &str, request: &Arc<[u8]>, count: u32) -> io::Result<()> {
    let mut tasks = JoinSet::new();
    for _ in 0..count {
        let (address, request) = (address.to_owned(), request.clone());
        tasks.spawn(async move {
            let mut client = Client::connect(&address).await?;
            client.ask(&request).await?.finish().await
        });
    }
    all(tasks).await
}

/// Opens streams and holds them: each has had its first bytes when this answers. They end when the value is dropped.
pub(crate) async fn hold(
    address: &str,
    request: &Arc<[u8]>,
    count: u32,
) -> io::Result<JoinSet<io::Result<()>>> {
    let mut held = JoinSet::new();
    let (begun, mut beginnings) = tokio::sync::mpsc::channel(256);
    for _ in 0..count {
        // A few at a time: it is the holding that counts.
        let mut client = Client::connect(address).await?;
        let (request, begun) = (request.clone(), begun.clone());
        held.spawn(async move {
            let mut reply = client.ask(&request).await?;
            reply.next().await?;
            begun.send(()).await.ok();
            reply.finish().await
        });
    }
    drop(begun);
    for number in 0..count {
        if beginnings.recv().await.is_none() {
            let why = match held.join_next().await {
                Some(Ok(Err(error))) => error.to_string(),
                other => format!("{other:?}"),
            };
            return Err(io::Error::other(format!(
                "only {number} of {count} streams have begun: {why}"
            )));
        }
    }
    Ok(held)
}

async fn all(mut tasks: JoinSet<io::Result<()>>) -> io::Result<()> {
    while let Some(done) = tasks.join_next().await {
        done.map_err(io::Error::other)??;
    }
    Ok(())
}
