//! Rules that stand in a file of their own: `use: rules` with `file` in place of `rules`. They are read with the
//! configuration, and put where they belong; what is wrong with them is said with their own line and column.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::Value;

use super::{
    ConfigError,
    document::no_yaml,
    tree::{Kind, Node, Place},
};

/// The policy whose settings may stand elsewhere.
const RULES: &str = "rules";

/// Puts the rules of files in the place of the files' names, which are relative to `folder`; answers which were read.
pub(super) fn include(tree: &mut Node, folder: &Path) -> Result<Vec<PathBuf>, ConfigError> {
    let mut read = Vec::new();
    for (index, policy) in items(member(tree, "policies")).enumerate() {
        let path = format!("policies.{index}");
        replace(policy, &path, folder, &mut read)?;
        let of = member(policy, "parallel").and_then(|parallel| member(parallel, "of"));
        for (place, reviewer) in items(of).enumerate() {
            let path = format!("{path}.parallel.of.{place}");
            replace(reviewer, &path, folder, &mut read)?;
        }
    }
    Ok(read)
}

fn replace(
    policy: &mut Node,
    path: &str,
    folder: &Path,
    read: &mut Vec<PathBuf>,
) -> Result<(), ConfigError> {
    if member(policy, "use").and_then(|name| text(name)) != Some(RULES) {
        return Ok(());
    }
    let Some(with) = member(policy, "with") else {
        return Ok(());
    };
    let Some(file) = member(with, "file").and_then(|file| text(file)) else {
        return Ok(());
    };
    let file = folder.join(file);
    if member(with, RULES).is_some() {
        let message = "rules stand here, or in a file: not in both";
        return Err(ConfigError::new(format!("{path}.with.file"), message));
    }
    let rules = rules(&file, &format!("{path}.with.file"))?;
    read.push(file);
    if let Kind::Map(members) = &mut with.kind {
        members.retain(|(name, ..)| name != "file");
        members.push((RULES.to_owned(), rules.place.clone(), rules));
    }
    Ok(())
}

/// The rules of a file: all of it, or what stands under `rules`.
fn rules(file: &Path, path: &str) -> Result<Node, ConfigError> {
    let name = file.display().to_string();
    let yaml = fs::read_to_string(file).map_err(|error| {
        let message = format!("the file {name:?} cannot be read: {error}");
        ConfigError::new(path, message)
    })?;
    let tree = Node::parse(&yaml).map_err(|error| no_yaml(&name, &error))?;
    let tree = tree.moved(&|place| match place {
        Place::File { line, column } => Place::Included {
            file: Arc::from(&*name),
            line: *line,
            column: *column,
        },
        other => other.clone(),
    });
    let wrong = |place: &Place, message: &str| ConfigError {
        place: place.to_string(),
        ..ConfigError::new("", message)
    };
    match tree.kind {
        Kind::List(_) => Ok(tree),
        Kind::Map(members) => {
            if let Some((key, place, _)) = members.iter().find(|(key, ..)| key != RULES) {
                return Err(wrong(
                    place,
                    &format!("unknown key {key:?}: expected `rules`"),
                ));
            }
            let rules = members.into_iter().next().map(|(_, _, rules)| rules);
            rules.ok_or_else(|| wrong(&tree.place, "there are no rules in it"))
        }
        Kind::Scalar(_) => Err(wrong(&tree.place, "expected a list of rules")),
    }
}

fn member<'a>(node: &'a mut Node, name: &str) -> Option<&'a mut Node> {
    let Kind::Map(members) = &mut node.kind else {
        return None;
    };
    let found = members.iter_mut().find(|(key, ..)| key == name);
    found.map(|(_, _, member)| member)
}

fn items(node: Option<&mut Node>) -> impl Iterator<Item = &mut Node> {
    let items = node.and_then(|node| match &mut node.kind {
        Kind::List(items) => Some(items),
        _ => None,
    });
    items.into_iter().flatten()
}

fn text(node: &Node) -> Option<&str> {
    match &node.kind {
        Kind::Scalar(Value::String(text)) => Some(text),
        _ => None,
    }
}
