//! Where lines wait to be written.
//!
//! Whoever logs must wait neither for a disk nor for a terminal that somebody has stopped: lines go into a buffer, and one
//! thread writes what has gathered. If it cannot keep up, lines are lost and counted; the sidecar goes on.

use std::{
    io::{self, Write},
    mem,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use tracing_subscriber::fmt::MakeWriter;

use super::line::{self, Format};

/// How much may wait: some thousand lines.
const CAPACITY: usize = 4 << 20;

/// How long lines of no urgency gather, so that under load one write takes many.
const GATHER: Duration = Duration::from_millis(20);

/// How long the last lines may take.
const LAST: Duration = Duration::from_secs(1);

/// The buffer. Cloning shares it.
#[derive(Clone)]
pub(super) struct Buffer(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// There is something to do for the thread.
    work: Condvar,
    /// All has been written.
    done: Condvar,
}

#[derive(Default)]
struct State {
    lines: String,
    lost: u64,
    urgent: bool,
    closed: bool,
    done: bool,
}

impl Buffer {
    /// The buffer before `sink`, and the thread that empties it.
    pub(super) fn before(sink: impl Write + Send + 'static, format: Format) -> io::Result<Self> {
        let buffer = Self(Arc::new(Shared {
            state: Mutex::default(),
            work: Condvar::new(),
            done: Condvar::new(),
        }));
        let shared = buffer.0.clone();
        thread::Builder::new()
            .name("log".to_owned())
            .stack_size(64 << 10)
            .spawn(move || shared.drain(sink, format))?;
        Ok(buffer)
    }

    /// Adds what `fill` appends, or nothing of it if there is no room.
    pub(super) fn add(&self, urgent: bool, fill: impl FnOnce(&mut String)) {
        let mut state = self.0.lock();
        let before = state.lines.len();
        fill(&mut state.lines);
        if state.lines.len() > CAPACITY {
            state.lines.truncate(before);
            state.lost += 1;
        }
        let wake = before == 0 || (urgent && !state.urgent);
        state.urgent |= urgent;
        drop(state);
        if wake {
            self.0.work.notify_one();
        }
    }

    /// Writes what is left, and takes no more.
    pub(super) fn close(&self) {
        let mut state = self.0.lock();
        state.closed = true;
        self.0.work.notify_one();
        // Whatever has not been written by then meets a reader that does not read.
        drop(
            self.0
                .done
                .wait_timeout_while(state, LAST, |state| !state.done),
        );
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Lines are only appended: whoever panicked has left at worst half a line.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes until there is nothing more to write.
    fn drain(&self, mut sink: impl Write, format: Format) {
        let mut lines = String::new();
        loop {
            let state = self.lock();
            let state = self
                .work
                .wait_while(state, |state| state.lines.is_empty() && !state.closed);
            let state = state.unwrap_or_else(PoisonError::into_inner);
            let gathered = self
                .work
                .wait_timeout_while(state, GATHER, |state| !state.urgent && !state.closed);
            let (mut state, _) = gathered.unwrap_or_else(PoisonError::into_inner);
            mem::swap(&mut state.lines, &mut lines);
            let lost = mem::take(&mut state.lost);
            state.urgent = false;
            if lines.is_empty() && state.closed {
                state.done = true;
                self.done.notify_all();
                return;
            }
            drop(state);
            if lost > 0 {
                line::lost(&mut lines, format, lost);
            }
            // There is nobody left to tell.
            sink.write_all(lines.as_bytes())
                .and_then(|()| sink.flush())
                .ok();
            lines.clear();
            lines.shrink_to(64 << 10);
        }
    }
}

impl<'a> MakeWriter<'a> for Buffer {
    type Writer = Event;

    fn make_writer(&'a self) -> Event {
        Event(self.clone())
    }
}

/// An event of `tracing` on its way into the buffer. Such are rare, and urgent.
pub(super) struct Event(Buffer);

impl Write for Event {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.add(true, |lines| {
            lines.push_str(&String::from_utf8_lossy(bytes));
        });
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// Hands on what is written, after somebody has let it.
    struct Sink(Receiver<()>, Sender<String>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // Nobody there to let it: it goes on.
            self.0.recv().ok();
            self.1
                .send(String::from_utf8_lossy(bytes).into_owned())
                .ok();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_gathers_is_written_at_once_and_in_order_and_nothing_is_left_at_the_end() {
        let ((go, wait), (out, written)) = (channel(), channel());
        let buffer = Buffer::before(Sink(wait, out), Format::Json).unwrap();
        buffer.add(true, |lines| lines.push_str("a\n"));
        go.send(()).unwrap();
        assert_eq!(written.recv().unwrap(), "a\n");
        buffer.add(true, |lines| lines.push_str("b\n"));
        buffer.add(false, |lines| lines.push_str("c\n"));
        drop(go);
        buffer.close();
        assert_eq!(written.try_iter().collect::<String>(), "b\nc\n");
    }

    #[test]
    fn a_sink_that_takes_nothing_costs_lines_and_no_time() {
        let ((go, wait), (out, written)) = (channel(), channel());
        let buffer = Buffer::before(Sink(wait, out), Format::Json).unwrap();
        let line = "x".repeat(CAPACITY / 4);
        for _ in 0..12 {
            buffer.add(false, |lines| lines.push_str(&line));
        }
        drop(go);
        buffer.close();
        let all: String = written.try_iter().collect();
        assert!(all.len() <= 2 * CAPACITY + 200);
        assert!(all.contains("lines were lost"), "and says so");
    }

    #[test]
    fn an_event_of_tracing_comes_in_one_piece() {
        let ((go, wait), (out, written)) = (channel::<()>(), channel());
        drop(go);
        let buffer = Buffer::before(Sink(wait, out), Format::Json).unwrap();
        buffer.make_writer().write_all("é\n".as_bytes()).unwrap();
        buffer.close();
        assert_eq!(written.try_iter().collect::<String>(), "é\n");
    }
}
