//! An example as a process.

use std::{net::SocketAddr, path::PathBuf, process::Stdio};

use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

use crate::{client::Client, http1::Message, within};

/// An example that serves. It is killed when dropped.
pub(crate) struct Example {
    address: SocketAddr,
    output: Lines<BufReader<ChildStdout>>,
    _process: Child,
}

/// Cargo puts examples beside the folder of the tests, and builds them whenever it runs all targets.
fn binary(name: &str) -> PathBuf {
    let this = std::env::current_exe().unwrap();
    let profile = this.parent().and_then(|folder| folder.parent()).unwrap();
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let path = profile.join("examples").join(file);
    assert!(
        path.exists(),
        "{} is not there: run `cargo build -p luthien-tower --examples` first, or `cargo test -p luthien-tower --all-targets`",
        path.display()
    );
    path
}

impl Example {
    /// Listens on a free port, with this provider behind it.
    pub(crate) async fn start(name: &str, provider: &str) -> Self {
        let mut process = Command::new(binary(name))
            .args(["127.0.0.1:0", provider])
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap()).lines();
        let line = within(name, output.next_line()).await.unwrap();
        let line = line.unwrap_or_else(|| panic!("{name} ended before it listened"));
        let address = line
            .strip_prefix("listening on http://")
            .and_then(|address| address.parse().ok());
        Self {
            address: address.unwrap_or_else(|| panic!("{name} says {line:?}")),
            output,
            _process: process,
        }
    }

    /// The next line it prints.
    pub(crate) async fn line(&mut self) -> String {
        let line = within("a line", self.output.next_line()).await;
        line.unwrap().expect("it goes on")
    }

    pub(crate) async fn connect(&self) -> Client {
        Client::connect(self.address).await
    }

    /// Sends on a connection of its own and waits for the response.
    pub(crate) async fn ask(&self, request: &[u8]) -> Message {
        self.connect().await.ask(request).await
    }
}
