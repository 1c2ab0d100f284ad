//! Clients as processes.

use std::{
    ffi::OsStr,
    fmt,
    marker::PhantomData,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use crate::support::{http1::Message, provider::Provider, sidecar::Sidecar, within};

/// A part of what `scripts/clients` installs.
pub fn installed(path: &str) -> PathBuf {
    // The links that `npm` makes stay: a client is known by its name.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let found = root.join("target/clients").join(path);
    assert!(
        found.exists(),
        "there is no target/clients/{path}: run `scripts/clients`, which installs the clients"
    );
    found
}

/// A program that stands beside the tests.
pub fn script(path: &str) -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/clients");
    here.join(path).canonicalize().unwrap()
}

/// Codex knows no environment variables for this: nothing goes out but what is under test.
const CODEX: &str = "check_for_update_on_startup = false
[analytics]
enabled = false
[features]
plugins = false
apps = false
remote_plugin = false
";

/// A home of its own for a client, with a folder to work in.
pub struct Home(TempDir);

impl Home {
    pub fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        for folder in ["work", "tmp", ".codex"] {
            std::fs::create_dir(home.path().join(folder)).unwrap();
        }
        std::fs::write(home.path().join(".codex/config.toml"), CODEX).unwrap();
        Self(home)
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Puts a file there.
    pub fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub fn work(&self) -> PathBuf {
        self.path().join("work")
    }

    /// What lies in the folder to work in, by name.
    pub fn made(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.work()).unwrap();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }

    /// `luthien exec --` and the agent, to which what it is told is to be added.
    pub fn exec<A: Agent>(&self, provider: &Provider, mode: &str, upstream: &str) -> Command {
        let config = format!(
            "listen: 127.0.0.1:0\nadmin: {{ listen: '127.0.0.1:0' }}\nidentity: {{ mode: {mode} }}\nupstreams: {{ mock: {{ url: {}, {upstream} }} }}\n",
            provider.url()
        );
        let config = self.file("luthien.yaml", config.as_bytes());
        let mut exec = self.command(env!("CARGO_BIN_EXE_luthien"));
        exec.env_remove("NO_PROXY")
            .env("UPSTREAM_KEY", "sk-of-the-upstream")
            .arg("--config")
            .arg(config)
            .args(["exec", "--"])
            .arg(A::program())
            .args(A::ARGUMENTS);
        exec
    }

    /// The line of an exchange that ended so, of a sidecar that has ended.
    pub fn exec_logged(&self, end: &str) -> Value {
        let log = self.path().join(".local/state/luthien/luthien.log");
        let log = std::fs::read_to_string(log).unwrap();
        let mut lines = log
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        let found = lines.find(|line| line["message"] == "exchange" && line["end"] == end);
        found.unwrap_or_else(|| panic!("no exchange with the end {end}: {log}"))
    }

    /// A program that knows nothing of who runs the tests, and talks to nobody on its own account.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("HOME", self.path())
            .env("TMPDIR", self.path().join("tmp"))
            .current_dir(self.work());
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        for name in [
            "DISABLE_TELEMETRY",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC",
            "DISABLE_AUTOUPDATER",
            "DISABLE_ERROR_REPORTING",
        ] {
            command.env(name, "1");
        }
        // Whatever would go out all the same ends here; what is under test is not HTTPS.
        command.env("HTTPS_PROXY", "http://127.0.0.1:9");
        command.env("NO_PROXY", "127.0.0.1");
        command.kill_on_drop(true).stdin(Stdio::null());
        command
    }
}

/// What a client has written, a JSON value a line, and how it ended.
pub struct Ran {
    pub status: ExitStatus,
    pub lines: Vec<Value>,
    pub stderr: String,
}

impl fmt::Debug for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}; it wrote:", self.status)?;
        for line in &self.lines {
            writeln!(f, "{line}")?;
        }
        f.write_str(&self.stderr)
    }
}

/// Runs it to its end.
pub async fn run(command: &mut Command) -> Ran {
    let output = within("the client ends", command.output()).await.unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    let lines = stdout.lines().map(|line| {
        serde_json::from_str(line)
            .unwrap_or_else(|_| panic!("no line of JSON: {line}\n{stdout}\n{stderr}"))
    });
    Ran {
        status: output.status,
        lines: lines.collect(),
        stderr,
    }
}

impl Ran {
    /// It has ended well.
    pub fn well(self) -> Self {
        assert!(self.status.success(), "{self:#?}");
        self
    }

    /// Panics, with all it has said, if there is no such line.
    pub fn line(&self, what: &str, is: impl Fn(&Value) -> bool) -> &Value {
        let found = self.lines.iter().find(|line| is(line));
        found.unwrap_or_else(|| panic!("{what}: not among {self:#?}"))
    }
}

/// A client that is told on its command line what to do.
pub trait Agent {
    /// As `npm` has installed it.
    const PROGRAM: &'static str;
    /// With these arguments it says what it does, as JSON.
    const ARGUMENTS: &'static [&'static str];

    /// Points it at what listens there, with a key.
    fn point(command: &mut Command, base: &str);

    /// The last words.
    fn words(ran: &Ran) -> &str;

    /// All words of the model, text by text.
    fn texts(ran: &Ran) -> Vec<&str>;

    fn session(ran: &Ran) -> &str;

    /// Every request names the session and carries the key as the agent does.
    fn checked(seen: &[Message], session: &str);

    fn program() -> PathBuf {
        installed("node/node_modules/.bin").join(Self::PROGRAM)
    }
}

/// Runs an agent to its end, which is a good one, with these words.
pub async fn says<A: Agent>(command: &mut Command, words: &str) -> Ran {
    let ran = run(command).await.well();
    assert_eq!(A::words(&ran), words);
    ran
}

/// An agent at work: a home for it, a sidecar, and a provider behind it.
pub struct Desk<A> {
    pub home: Home,
    pub sidecar: Sidecar,
    pub provider: Provider,
    agent: PhantomData<A>,
}

impl<A: Agent> Desk<A> {
    /// Where the sidecar has these settings.
    pub async fn new(provider: Provider, settings: &str) -> Self {
        Self::before(Sidecar::before(&provider, settings).await, provider)
    }

    /// Where this sidecar has the provider among its upstreams.
    pub fn before(sidecar: Sidecar, provider: Provider) -> Self {
        Self {
            home: Home::new(),
            sidecar,
            provider,
            agent: PhantomData,
        }
    }

    /// The agent, to which what it is told is to be added.
    pub fn command(&self) -> Command {
        let mut command = self.home.command(A::program());
        A::point(&mut command, &self.sidecar.base());
        command.args(A::ARGUMENTS);
        command
    }

    /// One turn after another.
    pub async fn turn(&self, arguments: &[&str]) -> Ran {
        run(self.command().args(arguments)).await
    }

    /// The first turn, which ends well, with these words, after so many requests.
    pub async fn says(&self, arguments: &[&str], words: &str, requests: usize) -> Ran {
        let ran = says::<A>(self.command().args(arguments), words).await;
        let seen = self.provider.seen();
        assert_eq!(seen.len(), requests);
        A::checked(&seen, A::session(&ran));
        ran
    }
}
