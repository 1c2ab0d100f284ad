//! The real binary, as a process.

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex},
};

use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    sync::Notify,
    task::JoinHandle,
};

use super::{provider::Provider, within};

/// A sidecar that serves. It is killed when dropped.
pub struct Sidecar {
    pub agents: SocketAddr,
    pub admin: SocketAddr,
    pub folder: TempDir,
    process: Child,
    log: Log,
    reading: JoinHandle<()>,
}

/// What it writes to standard error, line by line.
#[derive(Clone, Default)]
struct Log {
    lines: Arc<Mutex<Vec<String>>>,
    more: Arc<Notify>,
}

/// The binary under test.
pub fn luthien(folder: &Path) -> Command {
    luthien_under(&[], folder)
}

/// The binary under test, started by another program.
fn luthien_under(program: &[&str], folder: &Path) -> Command {
    let all = [program, &[env!("CARGO_BIN_EXE_luthien")]].concat();
    let mut command = Command::new(all[0]);
    command.args(&all[1..]);
    // Nothing of who runs the tests gets in.
    command.env_clear().env("HOME", folder).current_dir(folder);
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command.kill_on_drop(true);
    command
}

impl Sidecar {
    /// With this provider behind it, for all dialects, and these settings beside.
    pub async fn before(provider: &Provider, settings: &str) -> Self {
        Self::start(&format!(
            "upstreams: {{ mock: {{ url: {} }} }}\n{settings}\n",
            provider.url()
        ))
        .await
    }

    /// With this configuration, on free ports.
    pub async fn start(config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::start_in(folder, config, &[]).await
    }

    /// With this environment too.
    pub async fn start_in(folder: TempDir, config: &str, environment: &[(&str, &str)]) -> Self {
        Self::start_under(&[], folder, config, environment).await
    }

    /// Started by another program, which leaves it its process.
    pub async fn start_under(
        program: &[&str],
        folder: TempDir,
        config: &str,
        environment: &[(&str, &str)],
    ) -> Self {
        fs::write(folder.path().join("luthien.yaml"), config).unwrap();
        let mut command = luthien_under(program, folder.path());
        command.args(["--config", "luthien.yaml", "--admin", "127.0.0.1:0"]);
        if !config.contains("listen: ") {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        command.envs(environment.iter().copied());
        let mut process = command.stderr(Stdio::piped()).spawn().unwrap();
        let log = Log::default();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let into = log.clone();
        let reading = tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                into.lines.lock().unwrap().push(line);
                into.more.notify_waiters();
            }
        });
        let ready = within(
            "the sidecar is ready",
            log.wait(|line| line["message"] == "ready"),
        )
        .await;
        let address = |name: &str| ready[name].as_str().unwrap().parse().unwrap();
        Self {
            agents: address("agents"),
            admin: address("admin"),
            folder,
            process,
            log,
            reading,
        }
    }

    pub fn base(&self) -> String {
        format!("http://{}", self.agents)
    }

    pub fn config_file(&self) -> PathBuf {
        self.folder.path().join("luthien.yaml")
    }

    pub fn pid(&self) -> u32 {
        self.process.id().unwrap()
    }

    /// Waits for a line of the log, past ones included.
    pub async fn logged(&self, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        within(what, self.log.wait(is)).await
    }

    /// The line of an exchange that ended so.
    pub async fn exchange(&self, end: &str) -> Value {
        self.logged(&format!("an exchange with the end {end}"), |line| {
            line["message"] == "exchange" && line["end"] == end
        })
        .await
    }

    /// All it has written so far.
    pub fn log(&self) -> String {
        self.log.lines.lock().unwrap().join("\n")
    }

    /// Sends it a signal.
    pub fn signal(&self, name: &str) {
        let done = std::process::Command::new("kill")
            .args([&format!("-{name}"), &self.pid().to_string()])
            .status();
        assert!(done.unwrap().success());
    }

    /// Waits until it has ended by itself.
    pub async fn ended(&mut self) -> io::Result<ExitStatus> {
        let ended = within("the sidecar ends", self.process.wait()).await;
        within("the log ends", &mut self.reading).await.unwrap();
        ended
    }

    /// Memory in use, in bytes.
    pub fn memory(&self) -> u64 {
        self.status("VmRSS:")
    }

    /// The most memory that was ever in use, in bytes.
    pub fn most_memory(&self) -> u64 {
        self.status("VmHWM:")
    }

    fn status(&self, name: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .unwrap();
        let kib = line.split_whitespace().next().unwrap();
        kib.parse::<u64>().unwrap() * 1024
    }

    /// How many files and sockets it has open.
    pub fn open_files(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.pid()))
            .unwrap()
            .count()
    }
}

impl Drop for Sidecar {
    fn drop(&mut self) {
        // Whatever a test was about: nothing may panic. (A second panic here would abort the test without its message.)
        if !std::thread::panicking() {
            let log = self.log();
            assert!(!log.contains("panicked"), "the sidecar has panicked: {log}");
        }
    }
}

impl Log {
    async fn wait(&self, is: impl Fn(&Value) -> bool) -> Value {
        let mut next = 0;
        loop {
            // Before looking, so that nothing that comes meanwhile is missed.
            let more = self.more.notified();
            tokio::pin!(more);
            more.as_mut().enable();
            let new: Vec<String> = self.lines.lock().unwrap()[next..].to_vec();
            next += new.len();
            let found = new.iter().find_map(|line| {
                let line = serde_json::from_str(line)
                    .unwrap_or_else(|_| panic!("a line of the log is not JSON: {line}"));
                is(&line).then_some(line)
            });
            if let Some(found) = found {
                return found;
            }
            more.await;
        }
    }
}
