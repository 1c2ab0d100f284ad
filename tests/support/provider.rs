//! A provider on a real socket. It speaks HTTP/1 by hand, so that it can break it anywhere.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    task::JoinSet,
};

use super::http1::{Message, Reader};

/// A provider; it stops when dropped.
pub struct Provider {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<Message>>>,
    connections: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

/// The way back to who asked.
pub struct Wire {
    write: OwnedWriteHalf,
    read: Option<OwnedReadHalf>,
}

impl Provider {
    /// Answers each request by `answer`, which writes what it likes. A connection is closed when it says so with an error.
    pub async fn start<F>(answer: impl Fn(Message, Wire) -> F + Clone + Send + 'static) -> Self
    where
        F: Future<Output = io::Result<Option<Wire>>> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::new(AtomicUsize::new(0));
        let (remember, count) = (seen.clone(), connections.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut open = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                count.fetch_add(1, Ordering::SeqCst);
                stream.set_nodelay(true).unwrap();
                let (answer, seen) = (answer.clone(), remember.clone());
                open.spawn(async move {
                    serve(stream, answer, seen).await.ok();
                });
            }
        });
        Self {
            address,
            seen,
            connections,
            _tasks: tasks,
        }
    }

    /// Answers every request alike, with a whole body.
    pub async fn saying(status: u16, headers: &'static str, body: impl Into<Vec<u8>>) -> Self {
        let body = Arc::new(body.into());
        Self::start(move |_, mut wire| {
            let body = body.clone();
            async move {
                wire.whole(status, headers, &body).await?;
                Ok(Some(wire))
            }
        })
        .await
    }

    /// Writes the same bytes to everybody who asks, and closes.
    pub async fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = Arc::new(bytes.into());
        Self::start(move |_, mut wire| {
            let bytes = bytes.clone();
            async move {
                wire.write(&bytes).await?;
                Ok(None)
            }
        })
        .await
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it was asked so far.
    pub fn seen(&self) -> Vec<Message> {
        self.seen.lock().unwrap().clone()
    }

    /// How many requests it has seen.
    pub fn count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    /// The latest request.
    pub fn last(&self) -> Message {
        self.seen.lock().unwrap().last().unwrap().clone()
    }

    /// The only request there was.
    pub fn only(&self) -> Message {
        let seen = self.seen();
        assert_eq!(seen.len(), 1, "requests that the provider has seen");
        seen.into_iter().next().unwrap()
    }

    /// How many connections it got.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn serve<F>(
    stream: TcpStream,
    answer: impl Fn(Message, Wire) -> F,
    seen: Arc<Mutex<Vec<Message>>>,
) -> io::Result<()>
where
    F: Future<Output = io::Result<Option<Wire>>>,
{
    let (mut read, mut write) = stream.into_split();
    loop {
        let mut reader = Reader::new(&mut read);
        let Some(request) = reader.request().await? else {
            return Ok(());
        };
        seen.lock().unwrap().push(request.clone());
        let wire = Wire {
            write,
            read: Some(read),
        };
        let Some(wire) = answer(request, wire).await? else {
            return Ok(());
        };
        let Some(half) = wire.read else { return Ok(()) };
        (read, write) = (half, wire.write);
    }
}

impl Wire {
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write.write_all(bytes).await
    }

    /// A response with all of its body. `headers` are lines with their ends.
    pub async fn whole(&mut self, status: u16, headers: &str, body: &[u8]) -> io::Result<()> {
        let length = body.len();
        let head = format!("HTTP/1.1 {status} X\r\n{headers}content-length: {length}\r\n\r\n");
        self.write(&[head.as_bytes(), body].concat()).await
    }

    /// A response in JSON.
    pub async fn json(&mut self, status: u16, body: &[u8]) -> io::Result<()> {
        self.whole(status, "content-type: application/json\r\n", body)
            .await
    }

    /// The head of a stream of events.
    pub async fn stream(&mut self) -> io::Result<()> {
        self.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
            .await
    }

    /// A chunk.
    pub async fn chunk(&mut self, bytes: &[u8]) -> io::Result<()> {
        let size = format!("{:x}\r\n", bytes.len());
        self.write(&[size.as_bytes(), bytes, b"\r\n"].concat())
            .await
    }

    /// The end of a chunked body.
    pub async fn end(&mut self) -> io::Result<()> {
        self.write(b"0\r\n\r\n").await
    }

    /// A stream from its head to its end, in these pieces.
    pub async fn streamed<P: AsRef<[u8]>>(
        &mut self,
        pieces: impl IntoIterator<Item = P>,
    ) -> io::Result<()> {
        self.stream().await?;
        for piece in pieces {
            self.chunk(piece.as_ref()).await?;
        }
        self.end().await
    }

    /// Closes with a reset in place of an end.
    pub fn reset(self) -> io::Result<()> {
        let Some(read) = self.read else { return Ok(()) };
        let stream = read.reunite(self.write).map_err(io::Error::other)?;
        stream.set_zero_linger()
    }

    /// Waits until the other side has closed.
    pub async fn closed(&mut self) {
        let mut rest = Vec::new();
        // A reset is an end as well.
        if let Some(read) = &mut self.read {
            read.read_to_end(&mut rest).await.ok();
        }
    }
}
