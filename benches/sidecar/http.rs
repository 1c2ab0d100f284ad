//! A client that does as little as possible, so that the load costs the machine less than what is measured.

use std::io;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// One connection, kept alive.
pub(crate) struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// A reply whose body is still coming.
pub(crate) struct Reply<'a> {
    client: &'a mut Client,
    /// What has come of the body.
    read: usize,
    left: Left,
}

enum Left {
    /// So many bytes.
    Length(usize),
    /// Until the last chunk.
    Chunked,
    Nothing,
}

impl Client {
    pub(crate) async fn connect(address: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::with_capacity(16 << 10),
        })
    }

    /// Sends a request and waits for the head of its reply, which must be a 200.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> io::Result<Reply<'_>> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let end = loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(end) = memchr::memmem::find(&self.buffer, b"\r\n\r\n") {
                break end + 4;
            }
        };
        let head =
            String::from_utf8_lossy(self.buffer.get(..end).unwrap_or_default()).to_lowercase();
        if !head.starts_with("http/1.1 200") {
            return Err(io::Error::other(head));
        }
        let left = match head.split("content-length: ").nth(1) {
            Some(length) => Left::Length(
                length
                    .split("\r\n")
                    .next()
                    .and_then(|length| length.parse().ok())
                    .unwrap_or(0),
            ),
            None => Left::Chunked,
        };
        self.buffer.drain(..end);
        Ok(Reply {
            client: self,
            read: 0,
            left,
        })
    }
}

impl Reply<'_> {
    /// Reads what comes next; `false` at the end.
    pub(crate) async fn next(&mut self) -> io::Result<bool> {
        if self.read == 0 && !self.client.buffer.is_empty() {
            self.read = self.client.buffer.len();
        } else if !matches!(self.left, Left::Nothing) && !self.is_over() {
            if self.client.stream.read_buf(&mut self.client.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.read = self.client.buffer.len();
        }
        if self.is_over() {
            self.left = Left::Nothing;
            return Ok(false);
        }
        // Only the end is looked at; what was read before it need not be kept.
        if matches!(self.left, Left::Chunked) {
            let keep = self.client.buffer.len().saturating_sub(8);
            self.client.buffer.drain(..keep);
        }
        Ok(true)
    }

    fn is_over(&self) -> bool {
        match self.left {
            Left::Length(length) => self.read >= length,
            Left::Chunked => self.client.buffer.ends_with(b"0\r\n\r\n"),
            Left::Nothing => true,
        }
    }

    /// Reads to the end.
    pub(crate) async fn finish(mut self) -> io::Result<()> {
        while self.next().await? {}
        Ok(())
    }
}

/// A request with this body; `stream` as the provider understands it.
pub(crate) fn request(body: &[u8], stream: Option<(u64, u64)>) -> Vec<u8> {
    let stream = stream
        .map(|(count, gap)| format!("x-bench-stream: {count},{gap}\r\n"))
        .unwrap_or_default();
    let head = format!(
        "POST /v1/messages?beta=true HTTP/1.1\r\nhost: localhost\r\naccept: application/json\r\ncontent-type: application/json\r\n\
         user-agent: claude-cli/2.1.330 (external, sdk-cli)\r\nx-claude-code-session-id: 00000000-0000-4000-8000-000000000001\r\n\
         x-stainless-arch: x64\r\nx-stainless-lang: js\r\nx-stainless-os: Linux\r\nx-stainless-package-version: 0.128.0\r\n\
         x-stainless-retry-count: 0\r\nx-stainless-runtime: node\r\nx-stainless-runtime-version: v26.12.1\r\nx-stainless-timeout: 600\r\n\
         anthropic-beta: claude-code-20250219,interleaved-thinking-2025-05-14\r\nanthropic-version: 2023-06-01\r\nx-api-key: sk-ant-api03-bench\r\n\
         x-app: cli\r\naccept-encoding: gzip, deflate, br, zstd\r\n{stream}content-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}
