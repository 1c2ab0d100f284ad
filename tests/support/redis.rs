//! A Redis of a test's own.

use std::process::Stdio;

use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

/// A server that listens on a socket file; it is killed when dropped.
pub struct Redis {
    process: Child,
    folder: TempDir,
}

impl Redis {
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut process = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--appendonly", "no"])
            .arg("--unixsocket")
            .arg(folder.path().join("redis.sock"))
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("redis-server is needed: scripts/test installs it");
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        loop {
            let line = lines
                .next_line()
                .await
                .unwrap()
                .expect("redis-server has not started");
            if line.to_lowercase().contains("ready to accept connections") {
                break;
            }
        }
        // Whoever does not read its words stops it in the end.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { process, folder }
    }

    pub fn url(&self) -> String {
        format!(
            "redis+unix://{}",
            self.folder.path().join("redis.sock").display()
        )
    }

    pub async fn stop(&mut self) {
        self.process.kill().await.unwrap();
    }
}
