//! What an expression may speak of.

/// What a variable belongs to. Where that is not, nobody can speak of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The exchange: always there.
    Exchange,
    /// The tool call that is judged.
    Call,
    /// What it does.
    #[cfg(feature = "guards")]
    Effects,
    /// The text that is judged.
    Text,
    /// The conversation: what was asked, and what came of it before.
    Conversation,
}

/// What an expression may speak of, by where it stands.
#[derive(Clone, Copy, Debug)]
pub(in crate::policy) struct Vocabulary(&'static [Part]);

impl Vocabulary {
    /// When a policy applies.
    pub(in crate::policy) const WHEN: Self = Self(&[Part::Exchange, Part::Call]);
    /// A rule about requests.
    pub(in crate::policy) const REQUEST: Self = Self(&[Part::Exchange, Part::Conversation]);
    /// A rule about tool calls.
    pub(in crate::policy) const CALL: Self = Self(&[
        Part::Exchange,
        Part::Call,
        #[cfg(feature = "guards")]
        Part::Effects,
        Part::Conversation,
    ]);
    /// A rule about texts.
    pub(in crate::policy) const TEXT: Self =
        Self(&[Part::Exchange, Part::Text, Part::Conversation]);

    /// The variables.
    pub(super) fn variables(self) -> impl Iterator<Item = &'static Variable> {
        VARIABLES
            .iter()
            .filter(move |variable| self.0.contains(&variable.part))
    }

    /// Their names.
    pub(super) fn names(self) -> Vec<&'static str> {
        self.variables().map(|variable| variable.name).collect()
    }

    /// The variable of this name.
    pub(super) fn get(self, name: &str) -> Option<&'static Variable> {
        self.variables().find(|variable| variable.name == name)
    }

    /// What may stand behind the dot of a name that is itself no variable, or one that is no map: `messages` of `request`.
    pub(super) fn below(self, name: &str) -> Vec<&'static str> {
        let below = |variable: &Variable| variable.name.strip_prefix(name)?.strip_prefix('.');
        self.variables().filter_map(below).collect()
    }

    /// Whether there are counters to be read.
    pub(super) fn counts(self) -> bool {
        self.0.contains(&Part::Conversation)
    }
}

/// Something that an expression may speak of. To add one, name it here and say in `scope.rs` what it is.
pub(super) struct Variable {
    /// Its name; one with a dot in it is computed by itself, and what stands before the dot need not exist.
    pub(super) name: &'static str,
    pub(super) part: Part,
    /// Of a map, what is in it. Nothing is known of what is in `tool.input`.
    pub(super) members: &'static [&'static str],
}

const fn variable(name: &'static str, part: Part, members: &'static [&'static str]) -> Variable {
    Variable {
        name,
        part,
        members,
    }
}

static VARIABLES: &[Variable] = &[
    variable("caller", Part::Exchange, &["id", "kind", "name"]),
    variable("user", Part::Exchange, &["id", "trusted"]),
    variable("model", Part::Exchange, &[]),
    variable("dialect", Part::Exchange, &[]),
    variable("session", Part::Exchange, &[]),
    variable("path", Part::Exchange, &[]),
    variable("purpose", Part::Exchange, &[]),
    variable("tool", Part::Call, &["name", "input"]),
    #[cfg(feature = "guards")]
    variable("effects", Part::Effects, &[]),
    variable("text", Part::Text, &[]),
    variable("request.text", Part::Conversation, &[]),
    variable("request.messages", Part::Conversation, &[]),
    variable("request.tools", Part::Conversation, &[]),
    variable("session.denials", Part::Conversation, &[]),
    variable("decisions", Part::Conversation, &[]),
];

/// What a counter is called once an expression is read: nobody can spell it.
pub(super) const COUNTER: &str = "@count:";

/// Names of types: `type(tool.input) == string`.
pub(super) const TYPES: [&str; 10] = [
    "bool",
    "bytes",
    "double",
    "int",
    "list",
    "map",
    "null_type",
    "string",
    "type",
    "uint",
];

/// The functions; operators are not among them. `has`, `all`, `exists`, `exists_one` and `filter` are gone by the time that
/// this is asked: the parser has made other things of them.
pub(super) const FUNCTIONS: [&str; 13] = [
    "bool",
    "bytes",
    "contains",
    "double",
    "dyn",
    "endsWith",
    "int",
    "matches",
    "size",
    "startsWith",
    "string",
    "type",
    "uint",
];

/// The macros, for whoever is told what there is.
pub(super) const MACROS: [&str; 5] = ["all", "exists", "exists_one", "filter", "has"];

/// Whether any expression anywhere has a variable of this name.
pub(super) fn is_variable(name: &str) -> bool {
    VARIABLES.iter().any(|variable| variable.name == name)
}

/// Whether a function is an operator: nobody can spell these otherwise.
pub(super) fn is_operator(function: &str) -> bool {
    match function {
        "@in" | "@not_strictly_false" => true,
        _ => function.contains('_') && !function.starts_with(|c: char| c.is_ascii_alphabetic()),
    }
}
