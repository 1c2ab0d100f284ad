//! A YAML file, and the places of what is wrong with it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    ConfigError,
    error::nearest,
    include::include,
    tree::{Kind, Node, Place},
};

/// The tree of a file, with whatever was put over it.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    tree: Node,
    file: Option<PathBuf>,
    /// What else was read for it.
    included: Vec<PathBuf>,
}

impl Document {
    pub(crate) fn empty() -> Self {
        Self {
            tree: Node::empty(),
            file: None,
            included: Vec::new(),
        }
    }

    /// Reads a file.
    pub(crate) fn read(path: &Path) -> Result<Self, ConfigError> {
        let name = path.display().to_string();
        let text = fs::read_to_string(path).map_err(|error| {
            let error = ConfigError::new("", format!("the file cannot be read: {error}"));
            ConfigError {
                place: name.clone(),
                ..error
            }
        })?;
        let tree = Node::parse(&text).map_err(|error| no_yaml(&name, &error))?;
        Ok(Self {
            tree,
            file: Some(path.to_owned()),
            included: Vec::new(),
        })
    }

    /// With the rules that stand in files of their own.
    pub(crate) fn with_files(mut self) -> Result<Self, ConfigError> {
        let folder = self.file.as_deref().and_then(Path::parent);
        let folder = folder.map(Path::to_owned).unwrap_or_default();
        let included = include(&mut self.tree, &folder).map_err(|error| match error.place {
            ref place if place.is_empty() => self.placed(error),
            _ => error,
        })?;
        self.included.extend(included);
        Ok(self)
    }

    /// The files that were read beside its own.
    pub(crate) fn included(&self) -> &[PathBuf] {
        &self.included
    }

    /// Sets one value from a text, which is YAML itself: `[a, b]` is a list.
    pub(crate) fn set(
        &mut self,
        path: &[String],
        text: &str,
        place: &str,
    ) -> Result<(), ConfigError> {
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
        let place = Place::Override(place.to_owned());
        self.tree.set(path, node.moved(&|_| place.clone()));
        Ok(())
    }

    /// All of it as a value of this type.
    pub(crate) fn parse<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        serde_path_to_error::deserialize(self.tree.to_value())
            .map_err(|error| self.placed(wrong_value(&error)))
    }

    /// Says where the value of an error stands.
    pub(crate) fn placed(&self, error: ConfigError) -> ConfigError {
        let path: Vec<_> = error.path.split('.').map(str::to_owned).collect();
        let place = match (self.tree.place_of(&path), &self.file) {
            (Place::File { line, column }, Some(file)) => {
                format!("{}:{line}:{column}", file.display())
            }
            (place, _) => place.to_string(),
        };
        ConfigError { place, ..error }
    }
}

pub(super) fn no_yaml(name: &str, error: &serde_saphyr::Error) -> ConfigError {
    let place = match error.location() {
        Some(location) => format!("{name}:{}:{}", location.line(), location.column()),
        None => name.to_owned(),
    };
    let message = error.without_snippet().to_string();
    let message = message
        .split(" at line ")
        .next()
        .and_then(|message| message.split(", set DuplicateKeyPolicy").next())
        .unwrap_or_default();
    ConfigError {
        place,
        ..ConfigError::new("", format!("not YAML: {message}"))
    }
}

/// An error of serde's in our words.
fn wrong_value(error: &serde_path_to_error::Error<serde_json::Error>) -> ConfigError {
    let path = below("", &error.path().to_string());
    in_our_words(path, &error.inner().to_string())
}

/// What serde says of the value at this path, in our words.
pub(crate) fn in_our_words(path: String, message: &str) -> ConfigError {
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
            None if known.is_empty() => "there is nothing to set".to_owned(),
            None => format!("known are: {}", known.join(", ")),
        };
        return ConfigError::new(path, message).with_hint(hint);
    }
    for (choice, expected) in [
        ("Relay", "a list such as [\"GET /v1/models\"], or `open`"),
        ("Texts", "a text, or a list of texts"),
    ] {
        if message.contains(&format!("any variant of untagged enum {choice}")) {
            return ConfigError::new(path, format!("expected {expected}"));
        }
    }
    ConfigError::new(path, in_plain_words(message.to_owned()))
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

/// Where serde says that something is wrong (`tools[1].name`; `.` for the whole), below a path of ours.
pub(crate) fn below(path: &str, inside: &str) -> String {
    let inside = inside.replace('[', ".").replace(']', "");
    match inside.trim_matches('.') {
        "" => path.to_owned(),
        inside => join(path, inside),
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}
