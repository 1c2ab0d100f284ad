//! HTTP/1 as bytes: messages read off a socket, nothing forgiven.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

/// Bytes of a socket, and what was read too far.
pub struct Reader<R> {
    socket: R,
    ahead: Vec<u8>,
}

/// A request or a response.
#[derive(Clone, Debug, Default)]
pub struct Message {
    /// The first line and all headers, as they came.
    pub head: Vec<u8>,
    /// The first line.
    pub first: String,
    /// Names in lower case, in their order.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Without its framing.
    pub body: Vec<u8>,
}

impl Message {
    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.all(name).into_iter().next()
    }

    /// All headers of this name.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let found = self.headers.iter().filter(|(found, _)| found == name);
        found
            .map(|(_, value)| std::str::from_utf8(value).unwrap())
            .collect()
    }

    /// The second word of the first line.
    fn second(&self) -> &str {
        self.first.split(' ').nth(1).unwrap_or_default()
    }

    pub fn method(&self) -> &str {
        self.first.split(' ').next().unwrap_or_default()
    }

    pub fn target(&self) -> &str {
        self.second()
    }

    pub fn status(&self) -> u16 {
        self.second().parse().unwrap()
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            let text = String::from_utf8_lossy(&self.body);
            panic!("{} is not JSON: {error}: {text}", self.first)
        })
    }

    fn chunked(&self) -> bool {
        self.header("transfer-encoding") == Some("chunked")
    }

    fn length(&self) -> Option<usize> {
        Some(self.header("content-length")?.parse().unwrap())
    }
}

fn early() -> io::Error {
    io::ErrorKind::UnexpectedEof.into()
}

impl<R: AsyncRead + Unpin> Reader<R> {
    pub fn new(socket: R) -> Self {
        Self {
            socket,
            ahead: Vec::new(),
        }
    }

    pub fn into_inner(self) -> R {
        self.socket
    }

    /// More bytes into `ahead`; 0 at the end.
    async fn more(&mut self) -> io::Result<usize> {
        let mut piece = vec![0; 64 * 1024];
        let count = self.socket.read(&mut piece).await?;
        self.ahead.extend_from_slice(&piece[..count]);
        Ok(count)
    }

    /// Up to and with `end`. `None` if there is nothing at all.
    async fn until(&mut self, end: &[u8]) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(at) = memchr::memmem::find(&self.ahead, end) {
                return Ok(Some(self.ahead.drain(..at + end.len()).collect()));
            }
            if self.more().await? == 0 {
                return if self.ahead.is_empty() {
                    Ok(None)
                } else {
                    Err(early())
                };
            }
        }
    }

    async fn exactly(&mut self, count: usize) -> io::Result<Vec<u8>> {
        while self.ahead.len() < count {
            if self.more().await? == 0 {
                return Err(early());
            }
        }
        Ok(self.ahead.drain(..count).collect())
    }

    /// The head of the next message; `None` at the end of the connection.
    pub async fn head(&mut self) -> io::Result<Option<Message>> {
        let Some(head) = self.until(b"\r\n\r\n").await? else {
            return Ok(None);
        };
        let mut lines = head[..head.len() - 4].split(|byte| *byte == b'\n');
        let first = String::from_utf8_lossy(lines.next().unwrap())
            .trim_end()
            .to_owned();
        let headers = lines
            .map(|line| {
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                let colon = line.iter().position(|byte| *byte == b':').unwrap();
                let name = String::from_utf8_lossy(&line[..colon]).to_lowercase();
                (name, line[colon + 1..].trim_ascii().to_vec())
            })
            .collect();
        Ok(Some(Message {
            head,
            first,
            headers,
            body: Vec::new(),
        }))
    }

    /// The next chunk of a chunked body; `None` after the last.
    pub async fn chunk(&mut self) -> io::Result<Option<Vec<u8>>> {
        let line = self.until(b"\r\n").await?.ok_or_else(early)?;
        let size = String::from_utf8_lossy(&line);
        let size = size.trim().split(';').next().unwrap();
        let size = usize::from_str_radix(size, 16).map_err(io::Error::other)?;
        if size == 0 {
            while self.until(b"\r\n").await?.ok_or_else(early)? != b"\r\n" {}
            return Ok(None);
        }
        let chunk = self.exactly(size).await?;
        self.exactly(2).await?;
        Ok(Some(chunk))
    }

    /// A request with its body.
    pub async fn request(&mut self) -> io::Result<Option<Message>> {
        let Some(mut request) = self.head().await? else {
            return Ok(None);
        };
        if request.chunked() {
            while let Some(chunk) = self.chunk().await? {
                request.body.extend(chunk);
            }
        } else if let Some(length) = request.length() {
            request.body = self.exactly(length).await?;
        }
        Ok(Some(request))
    }

    /// A response with its body, and how that ended: an error if it ended before its framing says so.
    pub async fn response(&mut self, to_head: bool) -> io::Result<(Message, io::Result<()>)> {
        loop {
            let (response, end) = self.any_response(to_head).await?;
            if response.status() >= 200 || response.status() == 101 {
                return Ok((response, end));
            }
        }
    }

    /// The same, and it may be one that goes before the response.
    pub async fn any_response(&mut self, to_head: bool) -> io::Result<(Message, io::Result<()>)> {
        let mut response = self.head().await?.ok_or_else(early)?;
        let end = self.body(&mut response, to_head).await;
        Ok((response, end))
    }

    async fn body(&mut self, response: &mut Message, to_head: bool) -> io::Result<()> {
        if to_head || matches!(response.status(), 100..200 | 204 | 304) {
            return Ok(());
        }
        if response.chunked() {
            while let Some(chunk) = self.chunk().await? {
                response.body.extend(chunk);
            }
        } else if let Some(length) = response.length() {
            response.body = self.exactly(length).await?;
        } else {
            while self.more().await? > 0 {}
            response.body = std::mem::take(&mut self.ahead);
        }
        Ok(())
    }

    /// All that still comes.
    pub async fn rest(&mut self) -> io::Result<Vec<u8>> {
        while self.more().await? > 0 {}
        Ok(std::mem::take(&mut self.ahead))
    }
}
