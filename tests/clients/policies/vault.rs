//! Secrets that a client uses, and of which the model has only placeholders.

use std::{collections::BTreeSet, fs};

use serde_json::json;

use crate::{
    claude_code::{Claude, folder},
    codex::Codex,
    model::{HELLO, Say},
    run::Agent,
    support::sidecar::Sidecar,
};

use super::{
    secrets::{desk, nobody_has_seen_it, stayed_here, token},
    told::{Told, first, is_next, next},
};

const VAULT: &str = "{ use: secret-vault, with: { detect: [github_token] } }";

/// What stands in place of tokens, each once.
fn placeholders(text: &str) -> Vec<String> {
    const BEGINS: &str = "luthien_secret_github_token_";
    let found = text.match_indices(BEGINS);
    let found = found.map(|(at, _)| text[at..at + BEGINS.len() + 8].to_owned());
    found.collect::<BTreeSet<_>>().into_iter().collect()
}

fn written(placeholder: &str) -> String {
    format!("printf %s {placeholder} > used")
}

async fn a_secret_is_used_that_the_model_never_sees<A: Told>() {
    let desk = desk::<A>(
        |body| match &A::outputs(body)[..] {
            _ if is_next(body) => HELLO.to_vec(),
            [] => vec![A::read("call_A", "notes", body)],
            [read] => vec![A::call(
                "call_B",
                &written(&placeholders(read).join(" and ")),
            )],
            _ => HELLO.to_vec(),
        },
        VAULT,
    )
    .await;
    let ran = first(&desk).await.well();
    assert_eq!(A::words(&ran), "Hello there");
    let used = fs::read_to_string(desk.home.work().join("used")).unwrap();
    assert!(
        used == token(),
        "the client has used something else: {used}"
    );
    next(&desk, A::session(&ran)).await;
    stayed_here(&desk, &ran, 4).await;
    let seen = desk.provider.seen();
    let [placeholder] = &placeholders(seen[1].text())[..] else {
        panic!("one placeholder: {}", seen[1].text())
    };
    for request in &seen[1..] {
        assert_eq!(placeholders(request.text()), [placeholder.as_str()]);
        let outputs = A::outputs(&request.json());
        let read = format!("the token is {placeholder}");
        assert!(outputs[0].contains(&read), "{outputs:?}");
    }
    // The client has run another command than the one that it is said to have run.
    for request in &seen[2..] {
        let commands = A::commands(&request.json());
        assert_eq!(commands.last(), Some(&written(placeholder)));
    }
}

#[tokio::test]
async fn claude_code_uses_a_secret_that_the_model_never_sees() {
    a_secret_is_used_that_the_model_never_sees::<Claude>().await;
}

#[tokio::test]
async fn codex_uses_a_secret_that_the_model_never_sees() {
    a_secret_is_used_that_the_model_never_sees::<Codex>().await;
}

#[tokio::test]
async fn claude_code_edits_beside_a_secret_that_the_model_never_sees() {
    let desk = desk::<Claude>(
        |body| match &Claude::outputs(body)[..] {
            [] => vec![Claude::read("call_A", "notes", body)],
            [read] => {
                let line = format!("the token is {}", placeholders(read).join(" and "));
                let input = json!({
                    "file_path": format!("{}/notes", folder(body)),
                    "old_string": format!("{line}\nlast line"),
                    "new_string": format!("{line}, still\nthe end"),
                });
                vec![Say::Call("call_B", "Edit", input)]
            }
            _ => HELLO.to_vec(),
        },
        VAULT,
    )
    .await;
    let may = ["--allowedTools", "Edit", "-p", "Do it."];
    let ran = desk.turn(&may).await.well();
    assert_eq!(Claude::words(&ran), "Hello there");
    let notes = fs::read_to_string(desk.home.work().join("notes")).unwrap();
    let expected = format!("first line\nthe token is {}, still\nthe end\n", token());
    assert!(notes == expected, "{notes}");
    stayed_here(&desk, &ran, 3).await;
}

async fn a_vault_that_was_forgotten_is_filled_by_what_the_client_says_again<A: Told>() {
    let mut desk = desk::<A>(
        |body| match (&A::outputs(body)[..], is_next(body)) {
            ([], _) => vec![A::read("call_A", "notes", body)],
            ([read], true) => vec![A::call(
                "call_B",
                &written(&placeholders(read).join(" and ")),
            )],
            _ => HELLO.to_vec(),
        },
        VAULT,
    )
    .await;
    let ran = first(&desk).await.well();
    stayed_here(&desk, &ran, 2).await;
    // It remembers nothing.
    desk.sidecar = Sidecar::before(&desk.provider, &format!("policies: [{VAULT}]")).await;
    next(&desk, A::session(&ran)).await;
    let used = fs::read_to_string(desk.home.work().join("used")).unwrap();
    assert!(
        used == token(),
        "the client has used something else: {used}"
    );
    nobody_has_seen_it(&desk);
    let seen = desk.provider.seen();
    assert_eq!(seen.len(), 4);
    let [before, after, last] = [1, 2, 3].map(|place: usize| placeholders(seen[place].text()));
    assert_eq!((before.len(), after.len()), (1, 1));
    assert_ne!(before, after);
    assert_eq!(after, last);
}

#[tokio::test]
async fn claude_code_fills_a_vault_that_was_forgotten() {
    a_vault_that_was_forgotten_is_filled_by_what_the_client_says_again::<Claude>().await;
}

#[tokio::test]
async fn codex_fills_a_vault_that_was_forgotten() {
    a_vault_that_was_forgotten_is_filled_by_what_the_client_says_again::<Codex>().await;
}
