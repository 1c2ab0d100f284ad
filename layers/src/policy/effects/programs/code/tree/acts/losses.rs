//! Methods by which data or machines are lost, whatever they are methods of.

use super::super::{
    is_end_of,
    values::{Args, Value},
};
use crate::policy::effects::{Act, Database};

/// Of databases, whatever the library.
const DATABASES: &[(&str, Database)] = &[
    ("dropdatabase", Database::Drop),
    ("drop_database", Database::Drop),
    ("drop_all", Database::Drop),
    ("drop_collection", Database::Drop),
    ("dropcollection", Database::Drop),
    ("dropschema", Database::Drop),
    ("dropallschemas", Database::Drop),
    ("droptable", Database::Drop),
    ("droptableifexists", Database::Drop),
    ("drop_table", Database::Drop),
    ("flushall", Database::DeleteAll),
    ("flushdb", Database::DeleteAll),
    ("delete_all", Database::DeleteAll),
    ("destroy_all", Database::DeleteAll),
    ("objects.all().delete", Database::DeleteAll),
];
/// Those that delete what they are told to; if that is nothing, everything.
const CHOOSING: &[&str] = &["delete_many", "deletemany"];
/// Libraries of clouds, clusters and containers.
const CLOUDS: &[&str] = &[
    "boto3",
    "botocore",
    "google.cloud",
    "googleapiclient",
    "azure",
    "aws-sdk",
    "@google-cloud",
    "kubernetes",
    "hcloud",
    "digitalocean",
    "linode",
    "openstack",
    "proxmoxer",
];
/// What loses something there.
const TAKES: &[&str] = &[
    "delete",
    "terminate",
    "destroy",
    "purge",
    "remove",
    "deregister",
];
/// Everyday things among these.
const SMALL: &[&str] = &[
    "object",
    "message",
    "item",
    "label",
    "tag",
    "record",
    "pod",
    "log_stream",
];

/// What a call of this name loses, if it loses anything.
pub(in super::super) fn find(name: &str, args: &Args) -> Option<Act> {
    let lower = name.to_lowercase();
    let database = |what| Act::Database {
        what,
        target: name.chars().take(80).collect(),
    };
    let has = |known: &&(&str, Database)| is_end_of(&lower, known.0);
    if let Some((_, what)) = DATABASES.iter().find(has) {
        return Some(database(*what));
    }
    let is_flush = args
        .text(0)
        .is_some_and(|text| text.to_uppercase().starts_with("FLUSH"));
    let sends = ["execute_command", "send_command", "sendcommand", "call"];
    if is_flush && sends.iter().any(|known| is_end_of(&lower, known)) {
        return Some(database(Database::DeleteAll));
    }
    if CHOOSING.iter().any(|known| is_end_of(&lower, known)) && is_all(args) {
        return Some(database(Database::DeleteAll));
    }
    let last = lower.rsplit('.').next().unwrap_or_default();
    let takes = TAKES.iter().any(|word| last.contains(word));
    let is_small = SMALL
        .iter()
        .any(|word| last.ends_with(word) || last.ends_with(&format!("{word}s")));
    let is_cloud = CLOUDS.iter().any(|cloud| lower.contains(cloud))
        || lower.contains("docker") && lower.contains("volume");
    let is_prune = last.starts_with("prune") && lower.contains("docker");
    (takes && !is_small && is_cloud || is_prune).then(|| Act::Infrastructure {
        program: "code".to_owned(),
        target: name.chars().take(80).collect(),
    })
}

/// `deleteMany()`, `deleteMany({})`, `deleteMany({ where: {} })`.
fn is_all(args: &Args) -> bool {
    match args.values.first() {
        None => true,
        Some(Value::Map(pairs)) => pairs.iter().all(|(key, value)| {
            key == "where" && matches!(value, Value::Map(inner) if inner.is_empty())
        }),
        _ => false,
    }
}

/// `repo.git.push("--force")`: what git is told through a library.
pub(in super::super) fn git(name: &str, args: &Args) -> Option<Vec<String>> {
    let lower = name.to_lowercase();
    if !lower.contains("git.repo") && !lower.starts_with("simple-git") {
        return None;
    }
    let (_, command) = name.rsplit_once('.')?;
    let is_told = lower.contains(".git.") || lower.starts_with("simple-git");
    let mut words = vec!["git".to_owned()];
    match command {
        "reset" if !is_told => words.extend(["reset".to_owned(), "--hard".to_owned()]),
        "push" if !is_told => words.push("push".to_owned()),
        _ if is_told => words.push(command.replace('_', "-")),
        _ => return None,
    }
    if matches!(command, "reset") && !is_told && !args.is_set("working_tree") {
        return None;
    }
    for value in &args.values {
        match value {
            Value::List(items) => words.extend(items.iter().map(Value::written)),
            Value::Map(_) | Value::Function(..) | Value::Nothing => {}
            value => words.push(value.written()),
        }
    }
    let flags = args.named.iter().filter(|(_, value)| value.is_true());
    words.extend(flags.map(|(name, _)| format!("--{}", name.replace('_', "-"))));
    Some(words)
}
