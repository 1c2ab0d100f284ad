//! A connection that is not waited for for ever: not for its next request, not for the rest of a head, not for a client
//! that does not read.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

/// How long a connection may be silent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timers {
    /// Between two requests, and before the first.
    pub(crate) idle: Duration,
    /// From the first byte of a request to the end of its head.
    pub(crate) head: Duration,
    /// While it does not take what there is for it.
    pub(crate) write: Duration,
}

/// What goes on on a connection: known to whoever answers, asked by whoever reads.
#[derive(Clone, Debug, Default)]
pub(super) struct Activity(Arc<AtomicU32>);

impl Activity {
    /// An exchange has begun; it is over when the mark is dropped.
    pub(super) fn begin(&self) -> Exchanging {
        self.0.fetch_add(1, Ordering::Relaxed);
        Exchanging(self.clone())
    }

    fn is_idle(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }
}

/// The mark of an exchange that goes on.
#[derive(Debug)]
pub(super) struct Exchanging(Activity);

impl Drop for Exchanging {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What a connection waits for while nothing comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waiting {
    /// For the next request.
    Idle,
    /// For the rest of its head.
    Head,
    /// For nothing in particular: an exchange goes on, and has timers of its own.
    Exchange,
}

/// A stream with [`Timers`].
pub(super) struct Timed<S> {
    stream: S,
    timers: Timers,
    activity: Activity,
    waiting: Waiting,
    read_timer: Option<Pin<Box<Sleep>>>,
    write_timer: Option<Pin<Box<Sleep>>>,
}

impl<S> Timed<S> {
    pub(super) fn new(stream: S, timers: Timers, activity: Activity) -> Self {
        Self {
            stream,
            timers,
            activity,
            waiting: Waiting::Idle,
            read_timer: None,
            write_timer: None,
        }
    }

    /// Nothing comes: is that still all right?
    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        if !self.activity.is_idle() {
            self.waiting = Waiting::Exchange;
            self.read_timer = None;
            return Poll::Pending;
        }
        if self.waiting == Waiting::Exchange {
            self.waiting = Waiting::Idle;
            self.read_timer = None;
        }
        let limit = if self.waiting == Waiting::Head {
            self.timers.head
        } else {
            self.timers.idle
        };
        poll_timer(&mut self.read_timer, limit, cx)
    }

    /// Something has come.
    fn came(&mut self) {
        if self.waiting != Waiting::Head && self.activity.is_idle() {
            self.waiting = Waiting::Head;
            self.read_timer = None;
        }
    }
}

fn poll_timer(
    timer: &mut Option<Pin<Box<Sleep>>>,
    limit: Duration,
    cx: &mut Context<'_>,
) -> Poll<io::Error> {
    if limit == Duration::MAX {
        return Poll::Pending;
    }
    let timer = timer.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + limit)));
    ready!(timer.as_mut().poll(cx));
    Poll::Ready(io::ErrorKind::TimedOut.into())
}

impl<S: AsyncRead + Unpin> AsyncRead for Timed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.stream).poll_read(cx, buffer) {
            Poll::Ready(read) => {
                self.came();
                Poll::Ready(read)
            }
            Poll::Pending => self.poll_patience(cx).map(Err),
        }
    }
}

impl<S: AsyncWrite + Unpin> Timed<S> {
    /// What came of writing; if nothing, is that still all right?
    fn wrote<T>(
        &mut self,
        wrote: Poll<io::Result<T>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if wrote.is_ready() {
            self.write_timer = None;
            return wrote;
        }
        poll_timer(&mut self.write_timer, self.timers.write, cx).map(Err)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Timed<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.wrote(wrote, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        self.wrote(wrote, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.wrote(flushed, cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.wrote(shut, cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    const TIMERS: Timers = Timers {
        idle: Duration::from_secs(75),
        head: Duration::from_secs(10),
        write: Duration::from_secs(60),
    };

    /// How long until the read ends, and how.
    async fn read(
        timed: &mut Timed<tokio::io::DuplexStream>,
        buffer: &mut [u8],
    ) -> (u64, io::Result<usize>) {
        let start = Instant::now();
        let read = timed.read(buffer).await;
        (start.elapsed().as_secs(), read)
    }

    #[tokio::test(start_paused = true)]
    async fn silence_ends_a_connection_sooner_once_a_head_has_begun() {
        let mut buffer = [0; 8];
        let (_client, server) = duplex(64);
        let mut timed = Timed::new(server, TIMERS, Activity::default());
        assert!(
            matches!(read(&mut timed, &mut buffer).await, (75, Err(error)) if error.kind() == io::ErrorKind::TimedOut)
        );

        let (mut client, server) = duplex(64);
        let mut timed = Timed::new(server, TIMERS, Activity::default());
        client.write_all(b"G").await.unwrap();
        assert!(matches!(read(&mut timed, &mut buffer).await, (0, Ok(1))));
        assert!(matches!(read(&mut timed, &mut buffer).await, (10, Err(_))));
    }

    #[tokio::test(start_paused = true)]
    async fn dripping_does_not_help() {
        let mut buffer = [0; 1];
        let (mut client, server) = duplex(64);
        let mut timed = Timed::new(server, TIMERS, Activity::default());
        let drip = tokio::spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_secs(1)).await;
                if client.write_all(b"x").await.is_err() {
                    return;
                }
            }
        });
        let start = Instant::now();
        while timed.read(&mut buffer).await.is_ok() {}
        assert_eq!(
            start.elapsed().as_secs(),
            11,
            "ten seconds after the first byte"
        );
        drop(timed);
        drip.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn an_exchange_is_not_disturbed_and_after_it_the_connection_is_idle() {
        let mut buffer = [0; 8];
        let (mut client, server) = duplex(64);
        let activity = Activity::default();
        let mut timed = Timed::new(server, TIMERS, activity.clone());
        client.write_all(b"GET").await.unwrap();
        assert!(matches!(read(&mut timed, &mut buffer).await, (0, Ok(3))));
        let exchanging = activity.begin();
        let long = tokio::time::timeout(Duration::from_secs(10_000), timed.read(&mut buffer)).await;
        assert!(long.is_err(), "nothing ends it");
        drop(exchanging);
        assert!(matches!(read(&mut timed, &mut buffer).await, (75, Err(_))));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_read_is_waited_for_only_so_long() {
        let (_client, server) = duplex(4);
        let mut timed = Timed::new(server, TIMERS, Activity::default());
        let start = Instant::now();
        assert!(timed.write_all(b"123456").await.is_err());
        assert_eq!(start.elapsed().as_secs(), 60);
    }
}
