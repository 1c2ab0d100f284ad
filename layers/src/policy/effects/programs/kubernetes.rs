//! Clusters: what is deleted in them, by name or by description.

use super::Command;
use crate::policy::effects::{
    mark,
    shell::{Shell, State},
};

/// Kinds of things on which others depend, or that hold data.
const SHARED: &[&str] = &[
    "ns",
    "namespace",
    "namespaces",
    "pv",
    "pvc",
    "persistentvolume",
    "persistentvolumes",
    "persistentvolumeclaim",
    "persistentvolumeclaims",
    "node",
    "nodes",
    "no",
    "crd",
    "crds",
    "customresourcedefinition",
    "customresourcedefinitions",
    "deployment",
    "deployments",
    "deploy",
    "statefulset",
    "statefulsets",
    "sts",
    "secret",
    "secrets",
    "svc",
    "service",
    "services",
    "clusterrole",
    "clusterroles",
    "clusterrolebinding",
    "clusterrolebindings",
    "storageclass",
    "storageclasses",
    "sc",
    "daemonset",
    "daemonsets",
    "ds",
    "ingress",
    "ingresses",
    "ing",
    "cluster",
    "clusters",
    "validatingwebhookconfiguration",
    "mutatingwebhookconfiguration",
    "apiservice",
];

fn is_shared(kind: &str) -> bool {
    SHARED.contains(&kind.to_lowercase().as_str())
}

/// Whether one of the things in a description is of such a kind.
fn is_described(text: &str) -> bool {
    text.lines()
        .flat_map(|line| line.split(['{', ',']))
        .any(|part| {
            let Some((key, kind)) = part.split_once(':') else {
                return false;
            };
            let bare = |text: &str| {
                text.trim()
                    .trim_matches(['"', '\'', '-', ' ', '}', ']'])
                    .to_owned()
            };
            bare(key) == "kind" && is_shared(&bare(kind))
        })
}

/// Descriptions that the call itself has: what comes in, and files that it has written.
fn manifests(shell: &Shell<'_>, state: &State, command: &Command<'_>) -> Vec<String> {
    let args = command.args(&[
        "f",
        "filename",
        "k",
        "kustomize",
        "n",
        "namespace",
        "l",
        "context",
    ]);
    let mut texts = Vec::new();
    for file in args.values(&["f", "filename"]) {
        let text = match file {
            "-" | "/dev/stdin" => command.stdin.text.clone(),
            file => {
                let path = shell.path(state, file).resolved;
                state.files.get(&path).and_then(|data| data.text.clone())
            }
        };
        texts.extend(text);
    }
    texts
}

/// Whether something is taken from a cluster that others miss.
pub(super) fn takes(shell: &Shell<'_>, state: &State, command: &Command<'_>) -> bool {
    let words: Vec<&str> = command.words.iter().map(String::as_str).collect();
    let has = |word: &str| words.contains(&word);
    // Whether one may is a question.
    if has("can-i") || words.first() == Some(&"explain") {
        return false;
    }
    let Some(at) = words.iter().position(|word| {
        matches!(
            *word,
            "delete" | "drain" | "replace" | "scale" | "cordon" | "apply"
        )
    }) else {
        return false;
    };
    let kind = words
        .iter()
        .skip(at + 1)
        .find(|word| !word.starts_with('-'))
        .copied()
        .unwrap_or_default();
    let kind = kind.split('/').next().unwrap_or(kind);
    match words.get(at).copied().unwrap_or_default() {
        "delete" => {
            let whole = has("--all")
                || has("-A")
                || has("--all-namespaces")
                || words.iter().any(|word| word.starts_with("--all="))
                || has("all")
                || kind.contains(mark::is_unknown);
            let is_file = [".yaml", ".yml", ".json"]
                .iter()
                .any(|end| kind.ends_with(end));
            let kinds = !is_file
                && kind
                    .split(',')
                    .any(|kind| is_shared(kind.split('.').next().unwrap_or(kind)));
            let described = manifests(shell, state, command)
                .iter()
                .any(|text| is_described(text));
            whole
                || kinds
                || described
                || has("--raw")
                || has("--force") && !has("pod")
                || words
                    .iter()
                    .any(|word| word.starts_with("--grace-period=0"))
        }
        "drain" => true,
        "replace" => has("--force"),
        "apply" => has("--prune") && has("--all"),
        "scale" => words.contains(&"--replicas=0") && (has("--all") || has("-A")),
        _ => false,
    }
}
