//! How many secrets and how much personal data are found in texts as they come by, and how many alarms are false.
//!
//! `secrets/` and `personal-data/` hold lines of JSON: a text, what is in it, and of which kind the text is. Values are
//! written as what draws them (`{base62:36}`, see `draw.rs`), so that nothing in these files looks like a live key or means
//! a person. Each text is drawn many times.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::string_slice,
    reason = "a test that panics has failed, as it should"
)]

mod draw;

use std::{collections::BTreeMap, fs, path::Path};

use draw::Draw;
use luthien::policy::detect::{Class, Classes, Detector};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    text: String,
    classes: Vec<Class>,
    category: String,
}

/// So often each text is drawn.
const TIMES: u64 = 100;

#[derive(Default)]
struct Tally {
    expected: usize,
    found: usize,
    /// Texts, and those in which something was found that is not there.
    texts: usize,
    alarms: usize,
    /// What went wrong, once for each line.
    examples: BTreeMap<usize, String>,
}

impl Tally {
    #[allow(clippy::cast_precision_loss, reason = "thousands")]
    fn share(part: usize, all: usize, none: f64) -> f64 {
        if all == 0 {
            none
        } else {
            part as f64 / all as f64
        }
    }

    fn recall(&self) -> f64 {
        Self::share(self.found, self.expected, 1.0)
    }

    fn false_alarms(&self) -> f64 {
        Self::share(self.alarms, self.texts, 0.0)
    }

    fn look(&mut self, detector: &Detector, number: usize, text: &str, expected: &[Class]) {
        let found: Vec<_> = detector
            .find(text)
            .into_iter()
            .map(|finding| finding.class)
            .collect();
        let mut missing = expected.to_vec();
        let mut too_many = Vec::new();
        for class in &found {
            match missing.iter().position(|expected| expected == class) {
                Some(place) => drop(missing.remove(place)),
                None => too_many.push(*class),
            }
        }
        self.texts += 1;
        self.expected += expected.len();
        self.found += expected.len() - missing.len();
        self.alarms += usize::from(!too_many.is_empty());
        if !missing.is_empty() || !too_many.is_empty() {
            self.examples
                .entry(number)
                .or_insert_with(|| format!("missing {missing:?}, too many {too_many:?} in {text}"));
        }
    }
}

fn folder(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/corpus")
        .join(name)
}

fn measure(name: &str, classes: Classes) -> BTreeMap<String, Tally> {
    let detector = Detector::new(classes);
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    let mut files: Vec<_> = fs::read_dir(folder(name))
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    for file in files {
        for (number, line) in fs::read_to_string(&file).unwrap().lines().enumerate() {
            let line: Line = serde_json::from_str(line)
                .unwrap_or_else(|error| panic!("{}:{}: {error}", file.display(), number + 1));
            let tally = tallies.entry(line.category.clone()).or_default();
            for seed in 0..TIMES {
                let text = Draw::new(seed * 1_000_003 + number as u64).expand(&line.text);
                tally.look(&detector, number, &text, &line.classes);
            }
        }
    }
    tallies
}

fn assert_good(name: &str, tallies: &BTreeMap<String, Tally>) {
    println!(
        "{name:16} {:>7} {:>7} {:>8} {:>7}",
        "texts", "things", "recall", "false"
    );
    let mut bad = Vec::new();
    for (category, tally) in tallies {
        let (recall, alarms) = (tally.recall(), tally.false_alarms());
        println!(
            "{category:16} {:>7} {:>7} {:>7.2}% {:>6.2}%",
            tally.texts,
            tally.expected,
            recall * 100.0,
            alarms * 100.0
        );
        for (number, example) in &tally.examples {
            println!(
                "    {}: {}",
                number + 1,
                example.chars().take(240).collect::<String>()
            );
        }
        if recall < 0.98 || alarms > 0.01 {
            bad.push(category);
        }
    }
    assert!(bad.is_empty(), "{name}: not good enough: {bad:?}");
}

#[test]
fn secrets_are_found_and_little_else() {
    let tallies = measure("secrets", Classes::secrets());
    assert!(
        tallies.len() >= 12 && tallies.values().map(|tally| tally.expected).sum::<usize>() > 5_000
    );
    assert_good("secrets", &tallies);
}

#[test]
fn personal_data_is_found_and_little_else() {
    let tallies = measure("personal-data", Classes::personal());
    assert!(
        tallies.len() >= 10 && tallies.values().map(|tally| tally.expected).sum::<usize>() > 2_000
    );
    assert_good("personal data", &tallies);
}

#[test]
fn what_agents_send_all_day_raises_no_alarm() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let detector = Detector::new(Class::ALL.into_iter().collect());
    let mut captures: Vec<_> = fs::read_dir(root.join("tests/fixtures/captures"))
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    captures.extend(
        [
            "Cargo.lock",
            "fuzz/Cargo.lock",
            "tests/clients/node/package-lock.json",
            "layers/src/policy/judge.rs",
            "src/json/scan.rs",
            "docs/performance.md",
        ]
        .map(|file| root.join(file)),
    );
    let mut bytes = 0;
    let mut found = Vec::new();
    for file in captures {
        let text = fs::read_to_string(&file).unwrap();
        bytes += text.len();
        for finding in detector.find(&text) {
            let start = text.floor_char_boundary(finding.span.start.saturating_sub(40));
            found.push(format!(
                "{} {}: {:?}",
                file.display(),
                finding.class,
                &text[start..finding.span.end]
            ));
        }
    }
    println!(
        "{} bytes, found {}:\n{}",
        bytes,
        found.len(),
        found.join("\n")
    );
    assert!(bytes > 500_000 && found.len() <= 5, "{found:#?}");
}
