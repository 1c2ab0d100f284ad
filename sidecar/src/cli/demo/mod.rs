//! `luthien demo`: an agent, the sidecar and a provider in one process, on real sockets.

mod agent;
mod provider;
mod script;

use std::{
    fs::File,
    io::{Read, Seek},
    net::SocketAddr,
    process::ExitCode,
};

use bytes::Bytes;
use sha2::{Digest, Sha256};

use self::{
    agent::Reply,
    provider::Provider,
    script::{FORBIDDEN, POLICIES, Scene, overdone, scenes},
};
use super::{Failure, say, serve::runtime};
use crate::{
    config::{Config, Sources},
    log,
    serve::Sidecar,
};

pub(super) fn run() -> Result<ExitCode, Failure> {
    let mut log_file = tempfile::tempfile()?;
    runtime(&Config::default())?.block_on(async {
        let provider = Provider::start().await?;
        let sources = sources(provider.address);
        let config = sources.load_without_environment()?.config;
        let log = log::start(&config.log, Some(log_file.try_clone()?))?;
        let sidecar = Sidecar::start(config, sources, Vec::new(), log.lines.clone())?;
        say(&format!(
            "Three parties on this machine, none of them with a key or a network:\n\n    \
             an agent      this program\n    \
             the sidecar   http://{}\n    \
             a provider    http://{}, with a script in place of a model",
            sidecar.agents_at, provider.address
        ))?;
        for (number, scene) in (1..).zip(scenes()) {
            say(&format!("\n{number}. {}\n", scene.title))?;
            play(scene, &provider, sidecar.agents_at).await?;
        }
        let scene = overdone();
        say(&format!("\n4. {}\n", scene.title))?;
        play_judged(scene, &provider, sidecar.agents_at).await?;
        say("\n5. Requests that are not let through\n")?;
        refusals(sidecar.agents_at).await?;
        sidecar.stop().await;
        drop(log);
        Ok::<_, Failure>(())
    })?;
    show_log(&mut log_file)?;
    say("\nNow with a model:  luthien exec -- claude     (or codex, or any agent of yours)")?;
    Ok(ExitCode::SUCCESS)
}

/// Everything at its default but for the provider, free ports, and a rate to run into.
fn sources(provider: SocketAddr) -> Sources {
    let flags = [
        "listen=127.0.0.1:0".to_owned(),
        "admin.listen=127.0.0.1:0".to_owned(),
        format!("upstreams={{ demo: {{ url: 'http://{provider}' }} }}"),
        format!("policies={POLICIES}"),
        "rate=[{ per: key, requests: 4, every: 1m }]".to_owned(),
        "log.format=human".to_owned(),
    ];
    Sources {
        file: None,
        flags: flags.into(),
    }
}

async fn play(scene: Scene, provider: &Provider, sidecar: SocketAddr) -> Result<(), Failure> {
    let events = scene.reply.reply(scene.dialect, true);
    let said = Bytes::from(events.concat());
    provider.will_say(events);
    let (who, words) = scene.told;
    say(&format!("    {who:<8}{words}"))?;
    let reply = agent::converse(sidecar, scene.dialect, scene.request.clone()).await?;
    let timing = header(&reply, "server-timing");
    say(&format!(
        "\n    {} bytes up and {} bytes down in {} events; until the head: {timing} (ms)",
        scene.request.len(),
        reply.body.len(),
        reply.events,
    ))?;
    same("request ", &scene.request, &provider.was_asked())?;
    same("reply   ", &said, &reply.body)
}

/// The same where a policy has something to say.
async fn play_judged(
    scene: Scene,
    provider: &Provider,
    sidecar: SocketAddr,
) -> Result<(), Failure> {
    provider.will_say(scene.reply.reply(scene.dialect, true));
    let (who, words) = scene.told;
    say(&format!("    {who:<8}{words}"))?;
    say("\n    What the provider sends:\n")?;
    say(&format!("    {:<8}{}", "says", scene.reply.text))?;
    for call in &scene.reply.calls {
        say(&format!("    {:<8}{} {}", "calls", call.name, call.input))?;
    }
    say("\n    What the agent gets:\n")?;
    let reply = agent::converse(sidecar, scene.dialect, scene.request.clone()).await?;
    if reply.calls.iter().any(|name| name == FORBIDDEN) || reply.calls.is_empty() {
        let calls = reply.calls.join(", ");
        return Err(format!("the policy was not kept: the agent got calls of {calls}").into());
    }
    let (sent, left) = (scene.reply.calls.len(), reply.calls.len());
    say(&format!("\n    {left} of {sent} calls has gone through"))?;
    same("request ", &scene.request, &provider.was_asked())
}

/// Shows that both ends have the same bytes, or fails.
fn same(what: &str, sent: &Bytes, arrived: &Bytes) -> Result<(), Failure> {
    let digest = |bytes: &Bytes| {
        let digest = Sha256::digest(bytes);
        digest
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    if sent != arrived {
        let (sent, arrived) = (digest(sent), digest(arrived));
        return Err(format!("the {what} has changed on its way: {sent} became {arrived}").into());
    }
    say(&format!(
        "    {what} SHA-256 {}… at both ends",
        digest(sent)
    ))?;
    Ok(())
}

async fn refusals(sidecar: SocketAddr) -> Result<(), Failure> {
    let [scene, ..] = scenes();
    let asked = [
        (
            "a batch, which would go around every limit",
            "/v1/messages/batches",
            Bytes::from_static(b"{}"),
        ),
        (
            "a member that stands there twice, so that two readers may disagree",
            "/v1/messages",
            Bytes::from_static(br#"{"model":"a","messages":[],"model":"b"}"#),
        ),
        (
            "a fifth call in the minute that allows four",
            "/v1/messages",
            scene.request,
        ),
    ];
    for (what, path, body) in asked {
        let reply = agent::ask(sidecar, path, body).await?;
        let error: serde_json::Value = serde_json::from_slice(&reply.body)?;
        let message = error
            .pointer("/error/message")
            .and_then(serde_json::Value::as_str);
        let message = message.ok_or("a refusal without a message")?;
        say(&format!(
            "    {what}:\n        {} {message}",
            reply.status.as_u16()
        ))?;
        let wait = header(&reply, "retry-after");
        if !wait.is_empty() {
            say(&format!("        retry-after: {wait}"))?;
        }
    }
    Ok(())
}

fn header<'a>(reply: &'a Reply, name: &str) -> &'a str {
    let value = reply.headers.get(name);
    value
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

fn show_log(file: &mut File) -> Result<(), Failure> {
    let mut lines = String::new();
    file.rewind()?;
    file.read_to_string(&mut lines)?;
    say("\nWhat the sidecar wrote down, a line for each exchange and each refusal of a policy:\n")?;
    let worth = |line: &&str| line.contains(": exchange ") || line.contains(": decision ");
    for line in lines.lines().filter(worth) {
        say(&format!("    {line}"))?;
    }
    Ok(())
}
