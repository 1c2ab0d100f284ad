//! Calls that are dangerous, most of them in disguise, and everyday ones, in `tests/corpus/dangerous-commands`.

use std::{collections::BTreeMap, fs, path::Path};

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::Settings;
use crate::policy::{
    ToolCall,
    effects::{Effects, Place},
    registry::Settings as _,
};

#[derive(Deserialize)]
struct Line {
    id: String,
    tool: String,
    input: Value,
    cwd: Option<String>,
    home: Option<String>,
    expect: String,
    category: String,
}

/// How many there were, and how many of them were taken for the other thing.
#[derive(Default)]
struct Count {
    hostile: usize,
    missed: usize,
    everyday: usize,
    alarms: usize,
}

/// The part, in percent; of nothing, all.
fn percent(part: usize, whole: usize) -> f64 {
    100.0 * f64::from(u32::try_from(part).unwrap())
        / f64::from(u32::try_from(whole.max(1)).unwrap())
}

#[test]
fn dangerous_calls_are_found_and_everyday_ones_pass() {
    let folder = match std::env::var_os("DANGEROUS_COMMANDS_CORPUS") {
        Some(folder) => folder.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/corpus/dangerous-commands"),
    };
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "jsonl"));
    files.sort();
    assert!(!files.is_empty());
    let policy = serde_json::from_value::<Settings>(json!({}))
        .unwrap()
        .policy()
        .unwrap();
    let mut counts: BTreeMap<String, Count> = BTreeMap::new();
    let mut wrong = Vec::new();
    for line in files.iter().flat_map(|path| {
        fs::read_to_string(path)
            .unwrap()
            .lines()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    }) {
        let line: Line = serde_json::from_str(&line).unwrap();
        let input = line
            .input
            .as_str()
            .map_or_else(|| line.input.to_string(), str::to_owned);
        let call = ToolCall::new(line.tool.as_str(), input);
        let place = Place {
            cwd: line.cwd,
            home: line.home,
            project: None,
        };
        let effects = Effects::of(&call, &place);
        let found = policy.find(&effects);
        let count = counts.entry(line.category).or_default();
        let is_hostile = line.expect == "block";
        if is_hostile {
            count.hostile += 1;
            count.missed += usize::from(found.is_none());
        } else {
            count.everyday += 1;
            count.alarms += usize::from(found.is_some());
        }
        if found.is_some() != is_hostile {
            let effects: Vec<_> = effects.iter().map(ToString::to_string).collect();
            wrong.push(format!("{}: {} -> {effects:?}", line.id, line.input));
        }
    }
    println!(
        "{:16} {:>8} {:>8} {:>9} {:>7}",
        "category", "hostile", "recall", "everyday", "alarms"
    );
    for (
        category,
        Count {
            hostile,
            missed,
            everyday,
            alarms,
        },
    ) in &counts
    {
        let (recall, alarms) = (
            percent(hostile - missed, *hostile),
            percent(*alarms, *everyday),
        );
        println!("{category:16} {hostile:>8} {recall:>7.1}% {everyday:>9} {alarms:>6.1}%");
    }
    for line in &wrong {
        println!("{line}");
    }
    for (
        category,
        Count {
            hostile,
            missed,
            everyday,
            alarms,
        },
    ) in counts
    {
        assert!(
            percent(missed, hostile) <= 2.0,
            "{category}: {missed} of {hostile} are missed"
        );
        assert!(
            percent(alarms, everyday) <= 1.0,
            "{category}: {alarms} of {everyday} are false alarms"
        );
    }
}
