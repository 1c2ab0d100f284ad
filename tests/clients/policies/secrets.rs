//! Secrets that a client reads in a file: what of them goes up, and what comes back into its calls.

use std::{collections::BTreeSet, fs};

use serde_json::{Value, json};

use crate::{
    claude_code::{Claude, folder},
    codex::Codex,
    model::{HELLO, Say, thinking},
    run::{Agent, Desk, Ran},
};

use super::{
    requests,
    told::{Told, first, is_next, next},
};

/// A token in the form of GitHub's, with the check digits that make it one.
fn token() -> String {
    const DIGITS: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let body = "q7Zt2LkW9xVb4NcR8mYp1HsD6fGj3K";
    let mut value = usize::try_from(crc32fast::hash(body.as_bytes())).unwrap();
    let mut check = [0; 6];
    for digit in check.iter_mut().rev() {
        *digit = DIGITS[value % DIGITS.len()];
        value /= DIGITS.len();
    }
    format!("ghp_{body}{}", std::str::from_utf8(&check).unwrap())
}

/// A desk with a file on it that holds the token.
async fn desk<A: Told>(model: fn(&Value) -> Vec<Say>, policy: &str) -> Desk<A> {
    let policies = format!("policies: [{policy}]");
    let desk = Desk::new(thinking(model).await, &policies).await;
    let notes = format!("first line\nthe token is {}\nlast line\n", token());
    fs::write(desk.home.work().join("notes"), notes).unwrap();
    desk
}

/// The client has read the token, and nobody else has seen it, in as many requests.
async fn stayed_here<A: Told>(desk: &Desk<A>, ran: &Ran, count: usize) {
    let token = token();
    let holds = |bytes: &[u8]| memchr::memmem::find(bytes, token.as_bytes()).is_some();
    let read = ran
        .lines
        .iter()
        .any(|line| line.to_string().contains(&token));
    assert!(read, "the client has not read it: {ran:?}");
    requests(&desk.sidecar, count).await;
    let seen = desk.provider.seen();
    assert_eq!(seen.len(), count);
    for request in seen {
        assert!(!holds(&request.head) && !holds(&request.body));
    }
    assert!(!holds(desk.sidecar.log().as_bytes()));
}

async fn what_a_tool_reads_goes_up_redacted<A: Told>() {
    let desk = desk::<A>(
        |body| match A::outputs(body).len() {
            0 => vec![A::read("call_A", "notes", body)],
            _ => HELLO.to_vec(),
        },
        "{ use: secrets }",
    )
    .await;
    let ran = first(&desk).await.well();
    assert_eq!(A::words(&ran), "Hello there");
    next(&desk, A::session(&ran)).await;
    stayed_here(&desk, &ran, 3).await;
    for request in &desk.provider.seen()[1..] {
        let [output] = &A::outputs(&request.json())[..] else {
            panic!("one output: {}", request.text())
        };
        for part in [
            "first line",
            "the token is [redacted:github_token]",
            "last line",
        ] {
            assert!(output.contains(part), "{part}: {output}");
        }
    }
}

#[tokio::test]
async fn what_claude_code_reads_goes_up_redacted() {
    what_a_tool_reads_goes_up_redacted::<Claude>().await;
}

#[tokio::test]
async fn what_codex_reads_goes_up_redacted() {
    what_a_tool_reads_goes_up_redacted::<Codex>().await;
}

/// What the client says of its own accord, in its prompt and its tools, is neither secret nor about anybody.
async fn the_clients_own_words_go_up_as_they_are<A: Told>() {
    let desk = Desk::<A>::new(
        thinking(|_| HELLO.to_vec()).await,
        "policies: [{ use: secrets }, { use: personal-data, with: { action: redact } }]",
    )
    .await;
    let ran = first(&desk).await.well();
    next(&desk, A::session(&ran)).await;
    requests(&desk.sidecar, 2).await;
    for request in desk.provider.seen() {
        let changed = request.text().split_once("[redacted:");
        assert_eq!(changed.map(|(before, after)| (before.len(), after)), None);
    }
    assert!(!desk.sidecar.log().contains("\"decision\""));
}

#[tokio::test]
async fn claude_codes_own_words_go_up_as_they_are() {
    the_clients_own_words_go_up_as_they_are::<Claude>().await;
}

#[tokio::test]
async fn codexs_own_words_go_up_as_they_are() {
    the_clients_own_words_go_up_as_they_are::<Codex>().await;
}

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
        "{ use: secret-vault, with: { detect: [github_token] } }",
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

/// Blocked where they are to go up: the answer stands in the model's place, again and again, for the client says it all again.
async fn what_must_not_go_up_ends_the_conversation<A: Told>() {
    let desk = desk::<A>(
        |body| vec![A::read("call_A", "notes", body)],
        "{ use: secrets, with: { action: block } }",
    )
    .await;
    for (round, arguments) in [A::FIRST, A::NEXT].into_iter().enumerate() {
        let ran = desk.turn(arguments).await.well();
        let words = A::words(&ran);
        for part in [
            "Luthien blocked this request: it holds what looks like a secret (github_token).",
            "What to do: ",
            "Decision d-",
        ] {
            assert!(words.contains(part), "{part}: {words}");
        }
        requests(&desk.sidecar, 2 + round).await;
        assert_eq!(desk.provider.count(), 1);
    }
    assert!(!desk.sidecar.log().contains(&token()));
}

#[tokio::test]
async fn what_claude_code_must_not_send_up_ends_the_conversation() {
    what_must_not_go_up_ends_the_conversation::<Claude>().await;
}

#[tokio::test]
async fn what_codex_must_not_send_up_ends_the_conversation() {
    what_must_not_go_up_ends_the_conversation::<Codex>().await;
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
        "{ use: secret-vault, with: { detect: [github_token] } }",
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
