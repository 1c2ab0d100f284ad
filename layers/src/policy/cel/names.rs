//! What an expression may speak of.

/// The variables. Those that are maps have these members; nothing is known of those of `tool.input`.
pub(super) const VARIABLES: [(&str, &[&str]); 8] = [
    ("caller", &["id", "kind", "name"]),
    ("user", &["id", "trusted"]),
    ("model", &[]),
    ("dialect", &[]),
    ("session", &[]),
    ("path", &[]),
    ("purpose", &[]),
    ("tool", &["name", "input"]),
];

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

/// The members of a variable, if there is one of that name.
pub(super) fn members(variable: &str) -> Option<&'static [&'static str]> {
    let found = VARIABLES.iter().find(|(name, _)| *name == variable);
    found.map(|(_, members)| *members)
}

/// Whether a function is an operator: nobody can spell these otherwise.
pub(super) fn is_operator(function: &str) -> bool {
    match function {
        "@in" | "@not_strictly_false" => true,
        _ => function.contains('_') && !function.starts_with(|c: char| c.is_ascii_alphabetic()),
    }
}
