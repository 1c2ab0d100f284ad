//! What expressions are, as far as that can be told.

pub(super) mod awk;
mod bases;
pub(super) mod codes;
pub(super) mod format;
pub(super) mod functions;
pub(super) mod letters;
mod lists;
mod machine;
mod packed;
pub(super) mod paths;
mod shared;
pub(super) mod texts;
mod words;

use std::{collections::HashMap, rc::Rc};

use self::shared::{MAX_DEPTH, Nested, Shared};
use super::syntax::{Class, Function};
use crate::policy::effects::{mark, shell::Data};

/// The most that a list may hold.
pub(super) const MAX_ITEMS: usize = 4096;
/// How deep functions may stand in one another that have some of their arguments. They are copied with all that is in them.
const MAX_PARTS: usize = 4;
/// The most bytes of a text that is made.
pub(super) const MAX_TEXT: usize = 64 << 10;

pub(super) type Scope = HashMap<String, Value>;

/// The scopes that a function sees beside its own, the innermost last.
pub(super) type Around = Rc<Vec<usize>>;

/// A value. What comes from elsewhere is text with the [marks](mark) that shells know as well.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Nothing,
    /// Texts, bytes and paths.
    Text(String),
    Number(f64),
    List(Shared<Value>),
    Map(Shared<(String, Value)>),
    Pattern(String),
    /// Something from outside of the code, by its full name: `os.system`. With `()`, what it has given.
    Name(String),
    Function(Rc<Function>, Around),
    Class(Rc<Class>),
    /// A method, and what it belongs to.
    Member(Box<Value>, String),
    /// A function that has some of its arguments.
    Part(Box<Value>, Vec<Value>),
    /// Code that is a function.
    Code(String),
    /// A file that has been opened.
    File {
        path: String,
        /// Whether it is written; it is read otherwise.
        is_written: bool,
        /// Keys, tokens or the like are in it.
        is_secret: bool,
    },
}

/// What a call is given.
#[derive(Clone, Debug, Default)]
pub(super) struct Args {
    pub(super) values: Vec<Value>,
    pub(super) named: Vec<(String, Value)>,
}

impl Args {
    pub(super) fn of(values: Vec<Value>) -> Self {
        Self {
            values,
            named: Vec::new(),
        }
    }

    pub(super) fn get(&self, at: usize) -> Value {
        self.values.get(at).cloned().unwrap_or(Value::Nothing)
    }

    /// The text of an argument.
    pub(super) fn text(&self, at: usize) -> Option<String> {
        self.values.get(at)?.text()
    }

    /// An argument that has this name, or stands under it in the options behind the others.
    pub(super) fn named(&self, name: &str) -> Option<&Value> {
        let find = |pairs: &'_ [(String, Value)]| pairs.iter().position(|(key, _)| key == name);
        if let Some(at) = find(&self.named) {
            return self.named.get(at).map(|(_, value)| value);
        }
        self.values.iter().find_map(|value| match value {
            Value::Map(pairs) => pairs.get(find(pairs)?).map(|(_, value)| value),
            _ => None,
        })
    }

    pub(super) fn is_set(&self, name: &str) -> bool {
        self.named(name).is_some_and(Value::is_true)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Value> {
        let named = self.named.iter().map(|(_, value)| value);
        self.values.iter().chain(named)
    }

    /// Those behind the first.
    pub(super) fn behind(&self, at: usize) -> Self {
        Self {
            values: self.values.get(at..).unwrap_or_default().to_vec(),
            named: self.named.clone(),
        }
    }

    /// The functions among them.
    pub(super) fn functions(&self) -> Vec<Value> {
        let is_function = |value: &&Value| {
            matches!(
                value,
                Value::Function(..) | Value::Part(..) | Value::Code(_)
            )
        };
        self.all().filter(is_function).cloned().collect()
    }
}

impl Value {
    pub(super) fn list(items: Vec<Self>) -> Self {
        Shared::new(items).map_or(Self::deep(), Self::List)
    }

    pub(super) fn map(pairs: Vec<(String, Self)>) -> Self {
        Shared::new(pairs).map_or(Self::deep(), Self::Map)
    }

    pub(super) fn member(of: Self, name: &str) -> Self {
        match of.depth() < MAX_DEPTH {
            true => Self::Member(Box::new(of), name.to_owned()),
            false => Self::deep(),
        }
    }

    pub(super) fn part(of: Self, values: Vec<Self>) -> Self {
        let part = Self::Part(Box::new(of), values);
        if part.depth() <= MAX_PARTS {
            part
        } else {
            Self::deep()
        }
    }

    /// What is deeper, longer or more than is looked at: as something that is given by a function nobody knows.
    fn deep() -> Self {
        Self::Name("deep()".to_owned())
    }

    pub(super) fn texts(items: impl IntoIterator<Item = String>) -> Self {
        Self::list(items.into_iter().map(Self::Text).collect())
    }

    pub(super) fn unknown() -> Self {
        Self::Name("?".to_owned())
    }

    /// A text that has been made, if it is no longer than is looked at.
    pub(super) fn made(text: String) -> Self {
        match text.len() > MAX_TEXT {
            true => Self::deep(),
            false => Self::Text(text),
        }
    }

    pub(super) fn mark(mark: char) -> Self {
        Self::Text(mark.to_string())
    }

    pub(super) fn bool(is: bool) -> Self {
        Self::Number(f64::from(u8::from(is)))
    }

    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::Number(n) => *n != 0.0,
            Self::Text(text) => !text.is_empty(),
            _ => true,
        }
    }

    /// Whether anything at all is known of it.
    pub(super) fn is_known(&self) -> bool {
        !matches!(self, Self::Nothing | Self::Name(_))
    }

    /// What it is as a text, if it is one.
    pub(super) fn text(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Number(n) => Some(shown(*n)),
            // What belongs to a text in a way that nobody knows is as much worth as the text.
            Self::Member(of, _) => of.text(),
            Self::File { path, .. } => Some(path.clone()),
            _ => None,
        }
    }

    /// A text in any case, with a mark where it is not known.
    pub(super) fn written(&self) -> String {
        let (mut out, mut patience) = (String::new(), MAX_ITEMS);
        self.write(&mut out, &mut patience);
        out
    }

    /// Values may share others: as many are looked at as there is patience for.
    fn write(&self, out: &mut String, patience: &mut usize) {
        let Some(left) = patience.checked_sub(1) else {
            return;
        };
        *patience = left;
        match self {
            Self::Nothing => {}
            Self::List(items) => {
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    item.write(out, patience);
                }
            }
            Self::Map(pairs) => pairs
                .iter()
                .for_each(|(_, value)| value.write(out, patience)),
            Self::Name(name) if is_environment(name) => out.push(mark::SECRET),
            value => match value.text() {
                Some(text) => out.push_str(&text),
                None => out.push(mark::UNKNOWN),
            },
        }
        out.truncate(out.floor_char_boundary(MAX_TEXT));
    }

    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Number(n) => Some(*n),
            _ => None,
        }
    }

    /// Its items, if it has some that are known. A text has its characters.
    pub(super) fn items(&self) -> Option<Vec<Self>> {
        match self {
            Self::List(items) => Some(items.to_vec()),
            Self::Text(text) if !text.contains(mark::is_unknown) => {
                let items = text
                    .chars()
                    .take(MAX_ITEMS)
                    .map(|c| Self::Text(c.to_string()));
                Some(items.collect())
            }
            Self::Map(pairs) => Some(
                pairs
                    .iter()
                    .map(|(key, _)| match key.parse() {
                        Ok(number) => Self::Number(number),
                        Err(_) => Self::Text(key.clone()),
                    })
                    .collect(),
            ),
            _ => None,
        }
    }

    /// Whether it comes from another host, or is secret, or has such things in it.
    pub(super) fn has(&self, mark: char) -> bool {
        let mut patience = MAX_ITEMS;
        self.has_within(mark, &mut patience)
    }

    fn has_within(&self, mark: char, patience: &mut usize) -> bool {
        let Some(left) = patience.checked_sub(1) else {
            return false;
        };
        *patience = left;
        match self {
            Self::Text(text) => text.contains(mark),
            Self::List(items) => items.iter().any(|item| item.has_within(mark, patience)),
            Self::Map(pairs) => pairs
                .iter()
                .any(|(_, value)| value.has_within(mark, patience)),
            Self::Member(of, _) => of.has_within(mark, patience),
            Self::File { is_secret, .. } => *is_secret && mark == mark::SECRET,
            Self::Name(name) => mark == mark::SECRET && is_environment(name),
            _ => false,
        }
    }

    /// As what one command writes into the next.
    pub(super) fn data(&self, remote: Option<&str>) -> Data {
        let text = self.text();
        let is_remote = self.has(mark::REMOTE);
        Data {
            is_secret: self.has(mark::SECRET),
            is_private: self.has(mark::PRIVATE),
            is_hidden: text.is_none(),
            remote: is_remote.then(|| remote.unwrap_or("?").to_owned()),
            text: text.filter(|_| !is_remote),
            ..Data::default()
        }
    }

    /// What a command has written.
    pub(super) fn of_data(data: &Data) -> Self {
        match data {
            Data {
                remote: Some(_), ..
            } => Self::mark(mark::REMOTE),
            Data {
                is_secret: true, ..
            } => Self::mark(mark::SECRET),
            Data {
                text: Some(text), ..
            } => Self::made(text.clone()),
            Data {
                is_private: true, ..
            } => Self::mark(mark::PRIVATE),
            _ => Self::Name("?()".to_owned()),
        }
    }
}

/// All of the environment, keys and tokens among it.
fn is_environment(name: &str) -> bool {
    let name = name.trim_end_matches("()");
    [
        "os.environ",
        "process.env",
        "Bun.env",
        "Deno.env",
        "ENV",
        "_ENV",
        "getenv",
        "environ.items",
        "environ.copy",
        "environ.values",
    ]
    .iter()
    .any(|environment| super::is_end_of(name, environment))
}

/// As it is written out: whole numbers without a point.
fn shown(n: f64) -> String {
    format!("{n}")
}
