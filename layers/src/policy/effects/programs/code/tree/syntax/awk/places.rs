//! What can be assigned to: variables, elements of arrays, fields of the record.

use super::{Node, Parser, call, name, set, text};

/// A term of an expression.
pub(super) enum Term {
    Value(Node),
    Place(Place),
}

pub(super) enum Place {
    Name(String),
    Element(String, Node),
    Field(Node),
}

impl Term {
    pub(super) fn value(self) -> Node {
        match self {
            Self::Value(node) => node,
            Self::Place(place) => place.value(),
        }
    }
}

impl Place {
    pub(super) fn value(self) -> Node {
        match self {
            Self::Name(known) => match known.as_str() {
                "NF" => call("fields", vec![name("$0"), name("FS")]),
                "ARGV" => name("$argv"),
                _ => Node::Name(known),
            },
            Self::Element(array, key) => match array.as_str() {
                "ENVIRON" => Node::call(name("getenv"), vec![key]),
                "ARGV" => Node::Index(Box::new(name("$argv")), Box::new(key)),
                _ => call("at", vec![Node::Name(array), key]),
            },
            Self::Field(Node::Number(0.0)) => name("$0"),
            Self::Field(at) => call("field", vec![name("$0"), at, name("FS")]),
        }
    }
}

impl Parser<'_> {
    /// A place of which the key is computed once, and what does that.
    pub(super) fn fixed(&mut self, place: Place) -> (Option<Node>, [Place; 2]) {
        let mut aside = |key: Node| {
            let kept = self.put_aside();
            (
                set(&kept, key),
                [Node::Name(kept.clone()), Node::Name(kept)],
            )
        };
        match place {
            Place::Name(name) => (None, [Place::Name(name.clone()), Place::Name(name)]),
            Place::Element(array, key) => {
                let (first, keys) = aside(key);
                (
                    Some(first),
                    keys.map(|key| Place::Element(array.clone(), key)),
                )
            }
            Place::Field(Node::Number(n)) => (None, [n, n].map(|n| Place::Field(Node::Number(n)))),
            Place::Field(at) => {
                let (first, places) = aside(at);
                (Some(first), places.map(Place::Field))
            }
        }
    }

    /// `a = b`. It is what is assigned.
    pub(super) fn assigned(&mut self, place: Place, value: Node) -> Node {
        let record = |function: &str, mut args: Vec<Node>| {
            args.insert(0, name("$0"));
            args.extend([name("FS"), name("OFS")]);
            set("$0", call(function, args))
        };
        let kept = match &place {
            Place::Name(known) if known != "NF" => return set(known, value),
            Place::Field(Node::Number(0.0)) => return set("$0", value),
            _ => self.put_aside(),
        };
        let value = set(&kept, value);
        let changed = match place {
            Place::Field(at) => record("put", vec![at, Node::Name(kept.clone())]),
            Place::Element(array, key) if array == "ENVIRON" => Node::assign(
                super::Target::Place(Node::Index(Box::new(name("ENV")), Box::new(key))),
                Node::Name(kept.clone()),
            ),
            Place::Element(array, key) => {
                let args = vec![Node::Name(array.clone()), key, Node::Name(kept.clone())];
                set(&array, call("with", args))
            }
            Place::Name(_) => record("cut", vec![Node::Name(kept.clone())]),
        };
        Node::Block(vec![value, changed, Node::Name(kept)])
    }

    /// `a += b`
    pub(super) fn changed(&mut self, place: Place, op: &'static str, value: Node) -> Node {
        let (first, [old, new]) = self.fixed(place);
        let value = call("op", vec![text(op), old.value(), value]);
        let assigned = self.assigned(new, value);
        match first {
            Some(first) => Node::Block(vec![first, assigned]),
            None => assigned,
        }
    }
}
