//! A connection that is not waited for for ever: not for its next request, not for the rest of a head, not for a client
//! that does not read.
//!
//! And one that does not end in the face of a client that still sends: what is on its way to a socket that is closed
//! is answered with a reset, and a reset takes from the client what it has not read yet, which is why it was refused.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
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

/// A client that is silent for so long while its connection ends has nothing more to send.
const PAUSE: Duration = Duration::from_secs(1);

/// What goes on on a connection: known to whoever answers, asked by whoever reads.
#[derive(Clone, Debug, Default)]
pub(super) struct Activity(Arc<State>);

#[derive(Debug, Default)]
struct State {
    exchanges: AtomicU32,
    /// Whether something has come, or is still to come, that nobody wants to read.
    unread: AtomicBool,
}

impl Activity {
    /// An exchange has begun; it is over when the mark is dropped.
    pub(super) fn begin(&self) -> Exchanging {
        self.0.exchanges.fetch_add(1, Ordering::Relaxed);
        self.set_unread(false);
        Exchanging(self.clone())
    }

    /// A body is to come, and may be all that nobody wants to read.
    pub(super) fn unread_body(&self) -> UnreadBody {
        self.set_unread(true);
        UnreadBody(self.clone())
    }

    fn set_unread(&self, unread: bool) {
        self.0.unread.store(unread, Ordering::Relaxed);
    }

    fn has_unread(&self) -> bool {
        self.0.unread.load(Ordering::Relaxed)
    }

    fn is_idle(&self) -> bool {
        self.0.exchanges.load(Ordering::Relaxed) == 0
    }
}

/// The mark of a request whose body has not been read to its end. Lies in its extensions.
#[derive(Clone, Debug)]
pub(super) struct UnreadBody(Activity);

impl UnreadBody {
    /// It has been.
    pub(super) fn is_read(&self) {
        self.0.set_unread(false);
    }
}

/// The mark of an exchange that goes on.
#[derive(Debug)]
pub(super) struct Exchanging(Activity);

impl Drop for Exchanging {
    fn drop(&mut self) {
        let Self(Activity(state)) = self;
        state.exchanges.fetch_sub(1, Ordering::Relaxed);
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
    /// Set once nothing more is written.
    lingering: Option<Lingering>,
}

/// How long the end of a connection has been waited for.
#[derive(Default)]
struct Lingering {
    total: Option<Pin<Box<Sleep>>>,
    pause: Option<Pin<Box<Sleep>>>,
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
            lingering: None,
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
        if !self.activity.is_idle() {
            return;
        }
        // Until an exchange begins.
        self.activity.set_unread(true);
        if self.waiting != Waiting::Head {
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

impl<S: AsyncRead + Unpin> Timed<S> {
    /// Throws away what still comes: until the client has heard that nothing will be read and closes, until it falls
    /// silent, or until it has gone on for as long as a head may take.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(lingering) = &mut self.lingering else {
            return Poll::Ready(());
        };
        let mut space = [0; 8192];
        loop {
            let mut buffer = ReadBuf::new(&mut space);
            match Pin::new(&mut self.stream).poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => lingering.pause = None,
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => break,
            }
        }
        let waited = poll_timer(&mut lingering.pause, PAUSE, cx).is_ready();
        if waited || poll_timer(&mut lingering.total, self.timers.head, cx).is_ready() {
            return Poll::Ready(());
        }
        Poll::Pending
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Timed<S> {
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
        if self.lingering.is_none() {
            let shut = Pin::new(&mut self.stream).poll_shutdown(cx);
            ready!(self.wrote(shut, cx))?;
            if !self.activity.has_unread() {
                return Poll::Ready(Ok(()));
            }
            self.lingering = Some(Lingering::default());
        }
        self.poll_linger(cx).map(Ok)
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
    async fn a_connection_ends_at_once_unless_something_is_still_to_come() {
        for (unread, client, expected) in [
            (false, Some(100), 0),
            (true, None, 0),
            (true, Some(0), 1000),
            (true, Some(5), 3500),
            (true, Some(100), 10_000),
        ] {
            let (mut other, server) = duplex(64);
            let activity = Activity::default();
            if unread {
                activity.set_unread(true);
            }
            let mut timed = Timed::new(server, TIMERS, activity);
            let client = tokio::spawn(async move {
                let Some(pieces) = client else { return };
                for _ in 0..pieces {
                    tokio::time::sleep(Duration::from_millis(500)).await;
                    if other.write_all(&[b'x'; 64]).await.is_err() {
                        return;
                    }
                }
                std::future::pending::<()>().await;
            });
            let start = Instant::now();
            timed.shutdown().await.unwrap();
            assert_eq!(start.elapsed().as_millis(), expected);
            client.abort();
        }
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
