//! Somebody to ask: a server that answers as it is told, and remembers what it was asked.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

#[derive(Clone)]
pub(super) enum Reply {
    Whole(String),
    /// The connection is closed.
    Cut,
    /// Nothing comes.
    Silent,
}

impl Reply {
    pub(super) fn new(status: u16, body: &str) -> Self {
        let length = body.len();
        Self::Whole(format!(
            "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nlocation: http://127.0.0.1:1/\r\n\r\n{body}"
        ))
    }

    pub(super) fn json(body: Value) -> Self {
        Self::new(200, &body.to_string())
    }

    pub(super) fn cut() -> Self {
        Self::Cut
    }

    pub(super) fn silent() -> Self {
        Self::Silent
    }
}

/// What it was asked.
#[derive(Clone)]
pub(super) struct Asked {
    pub(super) head: String,
    pub(super) body: String,
    pub(super) question: Value,
}

/// It ends when it is dropped.
pub(super) struct Judge {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    _serving: JoinSet<()>,
}

impl Judge {
    pub(super) async fn start(answer: impl Fn(&Value) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_counting(move |_, question| answer(question)).await
    }

    /// `answer` learns how many questions came before.
    pub(super) async fn start_counting(
        answer: impl Fn(usize, &Value) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let (answer, noted, count) = (
            Arc::new(answer),
            asked.clone(),
            Arc::new(AtomicUsize::new(0)),
        );
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let (answer, noted, count) = (answer.clone(), noted.clone(), count.clone());
                connections.spawn(async move {
                    while let Some(question) = read(&mut stream).await {
                        let place = count.fetch_add(1, Ordering::Relaxed);
                        let reply = answer(place, &question.question);
                        noted.lock().unwrap().push(question);
                        match reply {
                            Reply::Whole(reply) => {
                                if stream.write_all(reply.as_bytes()).await.is_err() {
                                    return;
                                }
                            }
                            Reply::Cut => return,
                            Reply::Silent => std::future::pending().await,
                        }
                    }
                });
            }
        });
        Self {
            address,
            asked,
            _serving: serving,
        }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/judge?x=1", self.address)
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

/// One request; none, once the other side has gone.
async fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let length = head
        .to_lowercase()
        .lines()
        .find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok())
        .unwrap();
    while bytes.len() < end + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let body = String::from_utf8(bytes[end..].to_vec()).unwrap();
    Some(Asked {
        head,
        question: serde_json::from_str(&body).unwrap(),
        body,
    })
}
