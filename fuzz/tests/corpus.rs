//! The seeds, without libFuzzer: what a compiler upgrade or a change of a target breaks is seen at once.

use std::{fs, path::Path};

use luthien_core::Dialect;
use luthien_fuzz::{detect, edit, effects, expression, json, policy, prose, reply, request, sse};

fn each_seed_of(target: &str, check: impl Fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target);
    let mut seeds = 0;
    for seed in fs::read_dir(folder).unwrap() {
        let path = seed.unwrap().path();
        println!("{}", path.display());
        check(&fs::read(path).unwrap());
        seeds += 1;
    }
    assert!(seeds > 0);
}

#[test]
fn streams_of_events() {
    each_seed_of("sse", sse::check);
}

#[test]
fn documents() {
    each_seed_of("json", json::check);
}

#[test]
fn secrets_and_personal_data() {
    each_seed_of("detect", detect::check);
}

#[test]
fn texts_of_pieces_that_trip_it_most_easily() {
    let mut state: u64 = 1;
    let mut next = |end: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(state >> 33).unwrap() % end
    };
    let long = "q7Rk2mZx9LpT4vWnB3cD8fGh".repeat(60);
    let pieces = [
        "eyJhbGciOiJIUzI1NiJ9",
        ".eyJzdWIiOiIx",
        ".",
        " ",
        "\n",
        "=",
        ": \"",
        "\"",
        "password",
        "token=",
        "Bearer ",
        "Authorization: ",
        "-----BEGIN PRIVATE KEY-----",
        "-----END PRIVATE KEY-----",
        "--",
        "://u:",
        "@",
        "ann",
        "acme.io",
        "+49 30 ",
        "90182011",
        "(212)",
        " 736-5001",
        "4539 5787 6362 1486",
        "GB33 BUKB 2020 1555 5555 55",
        "536-22-8726",
        "93.184.216.34",
        "2a00:1450:4001:81b::200e",
        "born 12 March 1980",
        "\\n",
        "%3D",
        "é",
        "sk-ant-",
        "AKIA",
        "x",
    ];
    for _ in 0..3_000 {
        let mut text = String::new();
        for _ in 0..next(10) {
            match next(6) {
                0 => text.push_str(&long[..next(long.len())]),
                _ => text.push_str(pieces[next(pieces.len())]),
            }
        }
        detect::check(text.as_bytes());
    }
}

#[test]
fn edits() {
    each_seed_of("edit", edit::check);
}

#[test]
fn what_calls_do() {
    each_seed_of("effects", effects::check);
}

#[test]
fn requests() {
    each_seed_of("request", request::check);
}

#[test]
fn expressions() {
    each_seed_of("expression", expression::check);
}

#[test]
fn prose_that_presets_mend() {
    each_seed_of("prose", prose::check);
}

#[test]
fn replies() {
    for dialect in Dialect::ALL {
        each_seed_of(dialect.name(), |data| reply::check(dialect, data));
    }
}

#[test]
fn replies_before_policies() {
    for dialect in Dialect::ALL {
        each_seed_of(dialect.name(), |data| policy::check(dialect, data));
        each_seed_of("policy", |data| policy::check(dialect, data));
    }
}

#[test]
fn replies_of_events_in_any_order() {
    for dialect in Dialect::ALL {
        let mut state: u64 = 1;
        for _ in 0..400 {
            // Numbers that look random, the same each time.
            let data: Vec<u8> = (0..24)
                .map(|_| {
                    state = state
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1);
                    (state >> 56) as u8
                })
                .collect();
            policy::check_sequence(dialect, &data);
        }
    }
}
