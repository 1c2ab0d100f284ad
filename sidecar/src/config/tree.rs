//! YAML as a tree of values that know where they stand.

use std::{fmt, sync::Arc};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::Value;
use serde_saphyr::Spanned;

/// A value and where it comes from: a line and column of the file, or the name of an override.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) place: Place,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Scalar(Value),
    List(Vec<Node>),
    /// Each key with the place at which it stands.
    Map(Vec<(String, Place, Node)>),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Place {
    #[default]
    Nowhere,
    File {
        line: u64,
        column: u64,
    },
    /// In another file, whose content was put here.
    Included {
        file: Arc<str>,
        line: u64,
        column: u64,
    },
    Override(String),
}

/// Empty for a place in the document's own file, which does not know its name.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nowhere | Self::File { .. } => Ok(()),
            Self::Included { file, line, column } => write!(f, "{file}:{line}:{column}"),
            Self::Override(name) => f.write_str(name),
        }
    }
}

impl Node {
    pub(super) fn empty() -> Self {
        Self {
            kind: Kind::Map(Vec::new()),
            place: Place::Nowhere,
        }
    }

    /// Reads a YAML text; an empty one is an empty map.
    pub(super) fn parse(text: &str) -> Result<Self, serde_saphyr::Error> {
        let spanned: Spanned<Kind> = serde_saphyr::from_str(text)?;
        let node = Self::placed(spanned);
        Ok(match node.kind {
            Kind::Scalar(Value::Null) => Self {
                kind: Kind::Map(Vec::new()),
                ..node
            },
            _ => node,
        })
    }

    fn placed(spanned: Spanned<Kind>) -> Self {
        Self {
            place: place(&spanned.referenced),
            kind: spanned.value,
        }
    }

    /// Puts `value` at `path`, making the maps on the way.
    pub(super) fn set(&mut self, path: &[String], value: Node) {
        let Some((key, rest)) = path.split_first() else {
            *self = value;
            return;
        };
        if let (Kind::List(items), Ok(index)) = (&mut self.kind, key.parse::<usize>())
            && let Some(item) = items.get_mut(index)
        {
            return item.set(rest, value);
        }
        if !matches!(self.kind, Kind::Map(_)) {
            self.kind = Kind::Map(Vec::new());
        }
        let Kind::Map(members) = &mut self.kind else {
            return;
        };
        if let Some((_, _, member)) = members.iter_mut().find(|(name, ..)| name == key) {
            return member.set(rest, value);
        }
        let place = value.place.clone();
        let mut member = Self::empty();
        member.set(rest, value);
        members.push((key.clone(), place, member));
    }

    /// Where the value at `path` stands, or the nearest thing around it.
    pub(super) fn place_of(&self, path: &[String]) -> &Place {
        let Some((key, rest)) = path.split_first() else {
            return &self.place;
        };
        match &self.kind {
            Kind::Map(members) => match members.iter().find(|(name, ..)| name == key) {
                // An unknown key is wrong itself, not what stands behind it.
                Some((_, place, _)) if rest.is_empty() => place,
                Some((_, _, member)) => member.place_of(rest),
                None => &self.place,
            },
            Kind::List(items) => match key.parse().ok().and_then(|index: usize| items.get(index)) {
                Some(item) => item.place_of(rest),
                None => &self.place,
            },
            Kind::Scalar(_) => &self.place,
        }
    }

    /// The same values at other places.
    pub(super) fn moved(self, to: &impl Fn(&Place) -> Place) -> Self {
        let kind = match self.kind {
            Kind::Scalar(value) => Kind::Scalar(value),
            Kind::List(items) => Kind::List(items.into_iter().map(|item| item.moved(to)).collect()),
            Kind::Map(members) => Kind::Map(
                members
                    .into_iter()
                    .map(|(key, place, value)| (key, to(&place), value.moved(to)))
                    .collect(),
            ),
        };
        Self {
            kind,
            place: to(&self.place),
        }
    }

    pub(super) fn to_value(&self) -> Value {
        match &self.kind {
            Kind::Scalar(value) => value.clone(),
            Kind::List(items) => items.iter().map(Self::to_value).collect(),
            Kind::Map(members) => members
                .iter()
                .map(|(key, _, value)| (key.clone(), value.to_value()))
                .collect(),
        }
    }
}

fn place(location: &serde_saphyr::Location) -> Place {
    Place::File {
        line: location.line(),
        column: location.column(),
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Kind;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_bool<E>(self, value: bool) -> Result<Kind, E> {
                Ok(Kind::Scalar(value.into()))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Kind, E> {
                Ok(Kind::Scalar(value.into()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Kind, E> {
                Ok(Kind::Scalar(value.into()))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Kind, E> {
                Ok(Kind::Scalar(value.into()))
            }

            fn visit_str<E>(self, value: &str) -> Result<Kind, E> {
                Ok(Kind::Scalar(value.into()))
            }

            fn visit_unit<E>(self) -> Result<Kind, E> {
                Ok(Kind::Scalar(Value::Null))
            }

            fn visit_none<E>(self) -> Result<Kind, E> {
                Ok(Kind::Scalar(Value::Null))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Kind, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element::<Spanned<Kind>>()? {
                    list.push(Node::placed(item));
                }
                Ok(Kind::List(list))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Kind, A::Error> {
                let mut map = Vec::new();
                while let Some((key, value)) =
                    members.next_entry::<Spanned<String>, Spanned<Kind>>()?
                {
                    map.push((key.value, place(&key.referenced), Node::placed(value)));
                }
                Ok(Kind::Map(map))
            }
        }
        deserializer.deserialize_any(Any)
    }
}
