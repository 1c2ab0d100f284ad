//! Secrets that a client reads in a file, and what of them goes up.

use std::fs;

use serde_json::Value;

use crate::{
    claude_code::Claude,
    codex::Codex,
    model::{HELLO, Say, thinking},
    run::{Desk, Ran},
};

use super::{
    requests,
    told::{Told, first, next},
};

/// A token in the form of GitHub's, with the check digits that make it one.
pub fn token() -> String {
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
pub async fn desk<A: Told>(model: fn(&Value) -> Vec<Say>, policy: &str) -> Desk<A> {
    let policies = format!("policies: [{policy}]");
    let desk = Desk::new(thinking(model).await, &policies).await;
    let notes = format!("first line\nthe token is {}\nlast line\n", token());
    fs::write(desk.home.work().join("notes"), notes).unwrap();
    desk
}

/// The client has read the token, and nobody else has seen it, in as many requests.
pub async fn stayed_here<A: Told>(desk: &Desk<A>, ran: &Ran, count: usize) {
    let token = token();
    let mut lines = ran.lines.iter();
    let read = lines.any(|line| line.to_string().contains(&token));
    assert!(read, "the client has not read it: {ran:?}");
    requests(&desk.sidecar, count).await;
    assert_eq!(desk.provider.count(), count);
    nobody_has_seen_it(desk);
}

pub fn nobody_has_seen_it<A>(desk: &Desk<A>) {
    let token = token();
    let holds = |bytes: &[u8]| memchr::memmem::find(bytes, token.as_bytes()).is_some();
    for request in desk.provider.seen() {
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
    nobody_has_seen_it(&desk);
}

#[tokio::test]
async fn what_claude_code_must_not_send_up_ends_the_conversation() {
    what_must_not_go_up_ends_the_conversation::<Claude>().await;
}

#[tokio::test]
async fn what_codex_must_not_send_up_ends_the_conversation() {
    what_must_not_go_up_ends_the_conversation::<Codex>().await;
}
