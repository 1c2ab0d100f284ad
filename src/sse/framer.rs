use std::fmt;

use bytes::{Buf, Bytes, BytesMut};
use memchr::memchr2;

/// Cuts a byte stream into events. See the [module docs](super).
///
/// An event that lies inside one piece of input is a slice of it; only one that spans pieces is copied together.
#[derive(Debug)]
pub struct Framer {
    limit: usize,
    /// Input not yet looked at.
    input: Bytes,
    /// The beginning of an event whose end has not come.
    partial: BytesMut,
    /// Whether the next byte begins a line, so that a line end there is a blank line.
    line_start: bool,
    /// Whether the last byte was a CR: an LF after it belongs to it.
    after_cr: bool,
}

impl Framer {
    /// A framer for one stream. No event may be longer than `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            input: Bytes::new(),
            partial: BytesMut::new(),
            line_start: true,
            after_cr: false,
        }
    }

    /// Adds a piece of the stream. Call [`next_frame`](Self::next_frame) until it answers `None` before the next.
    pub fn push(&mut self, piece: Bytes) {
        debug_assert!(self.input.is_empty(), "push after next_frame answered None");
        self.input = piece;
    }

    /// The next whole event with the blank line that ends it, or `None` until more is pushed. A lone blank line is a
    /// frame as well.
    ///
    /// # Errors
    ///
    /// When an event outgrows the limit, whether or not it has ended. The stream cannot be read on.
    pub fn next_frame(&mut self) -> Result<Option<Bytes>, EventTooLong> {
        let end = self.find_end();
        let length = self.partial.len() + end.unwrap_or(self.input.len());
        if length > self.limit {
            return Err(EventTooLong { limit: self.limit });
        }
        match end {
            Some(end) if self.partial.is_empty() => Ok(Some(self.input.split_to(end))),
            Some(end) => {
                self.partial.extend_from_slice(&self.input.split_to(end));
                Ok(Some(self.partial.split().freeze()))
            }
            None => {
                self.partial.extend_from_slice(&self.input);
                self.input.advance(self.input.len());
                Ok(None)
            }
        }
    }

    /// The stream has ended: what came after the last blank line, if anything.
    pub fn finish(&mut self) -> Option<Bytes> {
        let rest = self.partial.split().freeze();
        (!rest.is_empty()).then_some(rest)
    }

    /// Where in the input the current event ends, line end of its blank line included.
    fn find_end(&mut self) -> Option<usize> {
        let input = &self.input;
        let mut at = 0;
        if self.after_cr && !input.is_empty() {
            at = usize::from(input.first() == Some(&b'\n'));
            self.after_cr = false;
        }
        loop {
            let rest = input.get(at..)?;
            let line = match rest.first()? {
                b'\n' | b'\r' => 0,
                _ => match memchr2(b'\n', b'\r', rest) {
                    Some(line) => line,
                    None => {
                        self.line_start = false;
                        return None;
                    }
                },
            };
            let blank = self.line_start && line == 0;
            at += line + 1;
            if rest.get(line) == Some(&b'\r') {
                match rest.get(line + 1) {
                    Some(b'\n') => at += 1,
                    Some(_) => {}
                    // The event does not wait for an LF that may never come; if it does, it opens the next frame.
                    None => self.after_cr = true,
                }
            }
            self.line_start = true;
            if blank {
                return Some(at);
            }
        }
    }
}

/// An event is longer than allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventTooLong {
    /// The most bytes an event may have.
    pub limit: usize,
}

impl fmt::Display for EventTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "an event of the stream is longer than {} bytes",
            self.limit
        )
    }
}

impl std::error::Error for EventTooLong {}
