//! The seeds, without libFuzzer: what a compiler upgrade or a change of a target breaks is seen at once.

use std::{fs, path::Path};

use luthien_core::Dialect;
use luthien_fuzz::{edit, effects, json, policy, reply, request, sse};

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
