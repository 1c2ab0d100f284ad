//! `luthien exec`.

use std::{
    env,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{ExitCode, ExitStatus},
};

use clap::Args;
use luthien::identity::KeyEntry;
use rustix::process::{Pid, Signal, kill_process};
use secrecy::ExposeSecret;
use tokio::process::{Child, Command};

use super::{
    Failure, Settings,
    serve::{Signals, Told, runtime},
};
use crate::{config::Mode, log, serve::Sidecar};

#[derive(Debug, Args)]
pub(super) struct Exec {
    /// Where the log goes [default: luthien/luthien.log in the user's state folder].
    #[arg(long, value_name = "FILE")]
    log_file: Option<PathBuf>,
    /// The agent, and what it is told.
    #[arg(
        trailing_var_arg = true,
        required = true,
        allow_hyphen_values = true,
        value_name = "COMMAND"
    )]
    command: Vec<String>,
}

pub(super) fn run(settings: &Settings, exec: Exec) -> Result<ExitCode, Failure> {
    let mut sources = settings.sources();
    if sources.file.is_none() {
        // It is for one agent: unless somebody chose ports, any will do, and none can be taken. Later flags count.
        let any = ["listen", "admin.listen"]
            .into_iter()
            .zip(["LUTHIEN_LISTEN", "LUTHIEN_ADMIN__LISTEN"])
            .filter(|(_, variable)| env::var_os(variable).is_none())
            .map(|(path, _)| format!("{path}=127.0.0.1:0"));
        sources.flags = any.chain(sources.flags).collect();
    }
    let loaded = sources.load()?;
    let Some((program, arguments)) = exec.command.split_first() else {
        return Err("no command to run".into());
    };
    let log_file = exec.log_file.unwrap_or_else(log_path);
    let log = log::start(&loaded.config.log, Some(log::file(&log_file)?))?;
    let mut agent = Command::new(program);
    agent.kill_on_drop(true);
    let mode = loaded.config.identity.mode;
    let keys = key_for(&mut agent, mode)?;
    runtime(&loaded.config)?.block_on(async {
        let mut signals = Signals::new()?;
        let scheme = if loaded.config.tls.is_some() {
            "https"
        } else {
            "http"
        };
        let sidecar = Sidecar::start(loaded.config, sources, keys, log.lines.clone())?;
        let base = format!("{scheme}://{}", sidecar.agents_at);
        agent
            .env("ANTHROPIC_BASE_URL", &base)
            .env("OPENAI_BASE_URL", format!("{base}/v1"));
        agent.env("OPENAI_API_BASE", format!("{base}/v1"));
        // Claude Code takes a proxy that leads outside for its way here as well.
        let direct = without_proxy(&sidecar.agents_at.ip().to_string());
        agent.env("NO_PROXY", &direct).env("no_proxy", &direct);
        if is_codex(program) {
            // Before what it is told itself, where `--` may end its options.
            for option in codex_options(&base, mode) {
                agent.args(["-c", &option]);
            }
        }
        agent.args(arguments);
        tracing::info!(agents = %sidecar.agents_at, program, "ready, and starting the agent");
        let mut agent = agent
            .spawn()
            .map_err(|error| format!("{program} cannot be started: {error}"))?;
        let ended = loop {
            tokio::select! {
                ended = agent.wait() => break ended?,
                told = signals.stop(&sidecar) => tell(&agent, told),
            }
        };
        sidecar.stop().await;
        Ok(exit_code(ended))
    })
}

/// Passes on what we were told. An interrupt comes from a terminal, which sends it to the agent as well; what the agent
/// makes of either is its business.
fn tell(agent: &Child, told: Told) {
    let process = agent.id().and_then(|id| Pid::from_raw(id.try_into().ok()?));
    if let (Told::Terminate, Some(process)) = (told, process)
        && let Err(error) = kill_process(process, Signal::TERM)
    {
        tracing::warn!(%error, "the agent cannot be told to stop");
    }
}

/// Hosts that are asked directly: this one, and those that were already.
fn without_proxy(host: &str) -> String {
    let known = ["NO_PROXY", "no_proxy"].map(env::var);
    let known = known.into_iter().flatten().find(|hosts| !hosts.is_empty());
    known.map_or_else(|| host.to_owned(), |hosts| format!("{hosts},{host}"))
}

fn is_codex(program: &str) -> bool {
    let name = Path::new(program).file_name();
    name.is_some_and(|name| name == "codex")
}

/// Codex goes by its configuration, not by the environment.
fn codex_options(base: &str, mode: Mode) -> Vec<String> {
    if mode != Mode::Keys {
        return vec![
            format!("openai_base_url=\"{base}/v1\""),
            // With a ChatGPT login it would send bodies that nobody here reads.
            "features.enable_request_compression=false".to_owned(),
        ];
    }
    // Its own provider takes no key but that of its login; one by another name takes ours, and compresses nothing.
    let provider = format!(
        r#"model_providers.luthien={{name="luthien",base_url="{base}/v1",wire_api="responses",env_key="OPENAI_API_KEY"}}"#
    );
    vec![provider, "model_provider=\"luthien\"".to_owned()]
}

/// Where clients need a key of ours, the agent gets one that lives as long as it does.
fn key_for(agent: &mut Command, mode: Mode) -> Result<Vec<KeyEntry>, Failure> {
    if mode != Mode::Keys {
        return Ok(Vec::new());
    }
    let (key, entry) =
        KeyEntry::generate("exec").map_err(|error| format!("no random numbers: {error}"))?;
    agent
        .env("ANTHROPIC_API_KEY", key.expose_secret())
        .env("OPENAI_API_KEY", key.expose_secret());
    agent.env_remove("ANTHROPIC_AUTH_TOKEN");
    Ok(vec![entry])
}

fn log_path() -> PathBuf {
    let folder = env::var_os("XDG_STATE_HOME")
        .filter(|folder| !folder.is_empty())
        .map(PathBuf::from);
    let home = || env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state"));
    folder
        .or_else(home)
        .unwrap_or_default()
        .join("luthien/luthien.log")
}

/// As a shell says it: a program that was killed by a signal has ended with 128 and its number.
fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status
        .code()
        .or_else(|| Some(128 + status.signal()?))
        .unwrap_or(1);
    u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from)
}
