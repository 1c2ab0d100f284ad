//! From a file, the environment and flags to a configuration.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::{
    Config, ConfigError, check,
    error::nearest,
    tree::{Kind, Node, Place},
};

/// Where a configuration comes from. Asked again, it reads again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources {
    /// The file, if there is one.
    pub(crate) file: Option<PathBuf>,
    /// `path=value`, in order; later ones count.
    pub(crate) flags: Vec<String>,
}

/// A configuration, and what else there is to say about it.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    pub(crate) config: Config,
    /// The environment variables that were used, to be shown at start.
    pub(crate) overrides: Vec<String>,
}

/// Variables of ours that are no settings.
const NOT_SETTINGS: [&str; 1] = ["LUTHIEN_CONFIG"];

impl Sources {
    /// Reads, merges and checks.
    pub(crate) fn load(&self) -> Result<Loaded, ConfigError> {
        self.load_with(env::vars())
    }

    /// Reads, merges and checks, whatever the environment says.
    pub(crate) fn load_without_environment(&self) -> Result<Loaded, ConfigError> {
        self.load_with(std::iter::empty())
    }

    pub(super) fn load_with(
        &self,
        variables: impl Iterator<Item = (String, String)>,
    ) -> Result<Loaded, ConfigError> {
        let mut tree = match &self.file {
            Some(path) => read(path)?,
            None => Node::empty(),
        };
        let mut variables: Vec<_> = variables
            .filter(|(name, _)| {
                name.starts_with("LUTHIEN_") && !NOT_SETTINGS.contains(&name.as_str())
            })
            // The tests' own.
            .filter(|(name, _)| !name.starts_with("LUTHIEN_TEST_"))
            .collect();
        variables.sort();
        for (name, text) in &variables {
            let path = name.trim_start_matches("LUTHIEN_").to_lowercase();
            let path: Vec<_> = path.split("__").map(str::to_owned).collect();
            set(&mut tree, &path, text, name)?;
        }
        for flag in &self.flags {
            let place = format!("--set {flag}");
            let Some((path, text)) = flag.split_once('=') else {
                let error =
                    ConfigError::new("", "expected path=value, as in `--set limits.body=64MiB`");
                return Err(ConfigError { place, ..error });
            };
            let path: Vec<_> = path.trim().split('.').map(str::to_owned).collect();
            set(&mut tree, &path, text, &place)?;
        }
        let config = self.read_tree(&tree)?;
        Ok(Loaded {
            config,
            overrides: variables.into_iter().map(|(name, _)| name).collect(),
        })
    }

    fn read_tree(&self, tree: &Node) -> Result<Config, ConfigError> {
        let mut config: Config = serde_path_to_error::deserialize(tree.to_value())
            .map_err(|error| self.place(tree, wrong_value(&error)))?;
        check::complete(&mut config);
        check::check(&config).map_err(|error| self.place(tree, error))?;
        Ok(config)
    }

    /// Says where the value of an error stands.
    fn place(&self, tree: &Node, error: ConfigError) -> ConfigError {
        let path: Vec<_> = error.path.split('.').map(str::to_owned).collect();
        let place = match (tree.place_of(&path), &self.file) {
            (Place::File { line, column }, Some(file)) => {
                format!("{}:{line}:{column}", file.display())
            }
            (Place::Override(name), _) => name.clone(),
            _ => String::new(),
        };
        ConfigError { place, ..error }
    }
}

fn read(path: &Path) -> Result<Node, ConfigError> {
    let name = path.display().to_string();
    let text = fs::read_to_string(path).map_err(|error| {
        let error = ConfigError::new("", format!("the configuration cannot be read: {error}"));
        ConfigError {
            place: name.clone(),
            ..error
        }
    })?;
    Node::parse(&text).map_err(|error| {
        let place = match error.location() {
            Some(location) => format!("{name}:{}:{}", location.line(), location.column()),
            None => name.clone(),
        };
        let message = error.without_snippet().to_string();
        let message = message
            .split(" at line ")
            .next()
            .and_then(|message| message.split(", set DuplicateKeyPolicy").next())
            .unwrap_or_default()
            .to_owned();
        ConfigError {
            place,
            ..ConfigError::new("", format!("not YAML: {message}"))
        }
    })
}

/// Sets one value from a text, which is YAML itself: `[a, b]` is a list.
fn set(tree: &mut Node, path: &[String], text: &str, place: &str) -> Result<(), ConfigError> {
    let node = Node::parse(text).map_err(|error| ConfigError {
        place: place.to_owned(),
        ..ConfigError::new(
            path.join("."),
            format!("not YAML: {}", error.without_snippet()),
        )
    })?;
    let node = if text.trim().is_empty() {
        Node {
            kind: Kind::Scalar(Value::Null),
            ..node
        }
    } else {
        node
    };
    tree.set(path, moved(node, &Place::Override(place.to_owned())));
    Ok(())
}

/// The same values, all of them at another place.
fn moved(node: Node, place: &Place) -> Node {
    let kind = match node.kind {
        Kind::Scalar(value) => Kind::Scalar(value),
        Kind::List(items) => Kind::List(items.into_iter().map(|item| moved(item, place)).collect()),
        Kind::Map(members) => Kind::Map(
            members
                .into_iter()
                .map(|(key, _, value)| (key, place.clone(), moved(value, place)))
                .collect(),
        ),
    };
    Node {
        kind,
        place: place.clone(),
    }
}

/// An error of serde's in our words.
fn wrong_value(error: &serde_path_to_error::Error<serde_json::Error>) -> ConfigError {
    let path = error.path().to_string();
    let path = if path == "." {
        String::new()
    } else {
        path.replace('[', ".").replace(']', "")
    };
    let message = error.inner().to_string();
    // "unknown field `x`, expected `a` or `b`", "unknown variant …", "expected one of …"
    for kind in ["unknown field `", "unknown variant `"] {
        let Some((word, known)) = message
            .strip_prefix(kind)
            .and_then(|rest| rest.split_once('`'))
        else {
            continue;
        };
        let known: Vec<_> = known.split('`').skip(1).step_by(2).collect();
        let is_key = kind.contains("field");
        let path = if is_key && !path.ends_with(word) {
            join(&path, word)
        } else {
            path
        };
        let message = if is_key {
            "unknown key".to_owned()
        } else {
            format!("unknown value {word:?}")
        };
        let hint = match nearest(word, known.iter().copied()) {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => format!("known are: {}", known.join(", ")),
        };
        return ConfigError::new(path, message).with_hint(hint);
    }
    if message.contains("did not match any variant of untagged enum Relay") {
        return ConfigError::new(
            path,
            "expected a list such as [\"GET /v1/models\"], or `open`",
        );
    }
    ConfigError::new(path, in_plain_words(message))
}

/// What serde expects, for people who do not write Rust.
fn in_plain_words(mut message: String) -> String {
    if message == "invalid socket address syntax" {
        return "expected an address with its port, such as 127.0.0.1:8000".to_owned();
    }
    for (theirs, ours) in [
        (
            "expected socket address",
            "expected an address with its port, such as 127.0.0.1:8000",
        ),
        ("expected usize", "expected a whole number from 0"),
        ("expected a nonzero u32", "expected a whole number from 1"),
        ("expected a map", "expected keys and their values"),
        ("expected a sequence", "expected a list"),
    ] {
        message = message.replace(theirs, ours);
    }
    match message.split_once("expected struct ") {
        Some((before, _)) => format!("{before}expected keys and their values"),
        None => message,
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}
