//! A client that writes what it likes.

use std::{io, net::SocketAddr};

use tokio::{
    io::AsyncWriteExt,
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

use super::{
    http1::{Message, Reader},
    within,
};

/// A connection.
pub struct Client {
    pub read: Reader<OwnedReadHalf>,
    write: OwnedWriteHalf,
}

/// A request with a body, ready for the wire.
pub fn post(target: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "POST {target} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n{headers}content-length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

impl Client {
    pub async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (read, write) = stream.into_split();
        Self {
            read: Reader::new(read),
            write,
        }
    }

    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write.write_all(bytes).await
    }

    /// Ends its half of the connection.
    pub async fn finish(&mut self) -> io::Result<()> {
        self.write.shutdown().await
    }

    /// Closes with a reset in place of an end.
    pub fn reset(self) {
        let stream = self.read.into_inner().reunite(self.write).unwrap();
        stream.set_zero_linger().unwrap();
    }

    /// The next response. Panics if its body does not end as its framing says.
    pub async fn response(&mut self) -> Message {
        let (response, end) = self.broken().await;
        end.unwrap_or_else(|error| panic!("{}: the body is cut: {error}", response.first));
        response
    }

    /// The next response, and how it ended.
    pub async fn broken(&mut self) -> (Message, io::Result<()>) {
        within("a response", self.read.response(false))
            .await
            .unwrap()
    }

    /// Sends and waits.
    pub async fn ask(&mut self, request: &[u8]) -> Message {
        self.write(request).await.unwrap();
        self.response().await
    }
}

/// Sends on a connection of its own and waits.
pub async fn ask(address: SocketAddr, request: &[u8]) -> Message {
    Client::connect(address).await.ask(request).await
}

/// The same, with how the response ended.
pub async fn ask_broken(address: SocketAddr, request: &[u8]) -> (Message, io::Result<()>) {
    let mut client = Client::connect(address).await;
    client.write(request).await.unwrap();
    client.broken().await
}
