//! `docs/configuration.md` is written from the schema, so that it cannot drift.

use std::{fmt::Write, fs, path::Path};

use luthien::policy::builtins;
use serde_json::{Map, Value};

use crate::config::schema;

const HEAD: &str = "\
# Configuration

One YAML file, named by `--config FILE` or `LUTHIEN_CONFIG`. Everything in it may be left out.

Each value may also be set by a variable of the environment, `__` between the parts of its path (`LUTHIEN_LIMITS__BODY=64MiB`), or by a
flag (`--set limits.body=64MiB`; `--listen` and `--admin` are short for two of them). Flags go before the environment, that before the file.
The text of a variable or a flag is YAML itself: `--set 'relay=[\"GET /v1/models\"]'`.

An unknown key, a wrong value and a contradiction are errors that name the place and what may have been meant; `luthien check` shows them
without starting anything. A sidecar that runs reads the file again when it changes or on SIGHUP, and takes it over as a whole; if anything
is wrong, the old one stays. The log names settings that need a restart (`listen`, `admin`, `tls` on or off, `threads`, `log`, timers and
bounds of connections).

Sizes have a unit (`512KiB`, `32MiB`, `1GiB`), and so have times (`500ms`, `5s`, `10m`, `1h`, `1d`; `none` for no limit). Secrets stand
elsewhere: `${NAME}` of an environment variable, `file:PATH`, or `none`.

This page is written from the schema, which `luthien schema` prints.
";

const SETTINGS: &str = "\
What stands under `with`, by what stands after `use`. `luthien policy show NAME` says the same.";

/// What stands in code marks or explains itself, in one line of a table.
fn words(schema: &Value) -> String {
    let text = schema["description"].as_str().unwrap_or_default();
    text.replace('\n', " ").replace('|', "\\|")
}

fn default(schema: &Value) -> String {
    match &schema["default"] {
        Value::Null | Value::Object(_) => String::new(),
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().filter_map(Value::as_str).collect();
            format!("`{}`", items.join("`, `"))
        }
        Value::String(text) => format!("`{text}`"),
        other => format!("`{other}`"),
    }
}

/// The objects that a value consists of: itself, its items, its members.
fn parts<'a>(definitions: &'a Map<String, Value>, schema: &'a Value) -> Option<&'a Value> {
    let inside = [
        &schema["items"],
        &schema["additionalProperties"],
        &schema["anyOf"][0],
        schema,
    ];
    let name = inside.iter().find_map(|schema| schema["$ref"].as_str())?;
    let part = definitions.get(name.strip_prefix("#/$defs/")?)?;
    part["properties"].is_object().then_some(part)
}

/// The words that a value may be, unless it is told already what each of them means.
fn choices(definitions: &Map<String, Value>, schema: &Value) -> String {
    let name = schema["$ref"].as_str().unwrap_or_default();
    let part = &definitions.get(name.trim_start_matches("#/$defs/"));
    let words = part.and_then(|part| part["oneOf"].as_array());
    let words = words.into_iter().flatten();
    let words = words.filter_map(|word| Some((word["const"].as_str()?, word)));
    let words: Vec<_> = words
        .map(|(name, word)| format!("`{name}`: {}", self::words(word)))
        .collect();
    if words.is_empty() {
        return String::new();
    }
    format!(" {}", words.join(" "))
}

fn table(page: &mut String, definitions: &Map<String, Value>, path: &str, object: &Value) {
    writeln!(page, "\n| key | default | |\n|---|---|---|").unwrap();
    let members = object["properties"].as_object().unwrap();
    for (key, schema) in members {
        let more = match parts(definitions, schema) {
            Some(_) => format!(
                " See [`{path}{key}`](#{}).",
                anchor(&format!("{path}{key}"))
            ),
            None => String::new(),
        };
        writeln!(
            page,
            "| `{key}` | {} | {}{more} |",
            default(schema),
            words(schema) + &choices(definitions, schema)
        )
        .unwrap();
    }
    for (key, schema) in members {
        if let Some(part) = parts(definitions, schema) {
            let path = format!("{path}{key}");
            writeln!(page, "\n## `{path}`\n\n{}", words(part)).unwrap();
            table(page, definitions, &format!("{path}."), part);
        }
    }
}

/// As pages of this kind name their headings.
fn anchor(path: &str) -> String {
    path.replace('.', "")
}

#[test]
fn the_page_about_the_configuration_is_that_of_the_schema() {
    let schema = schema().to_value();
    let definitions = schema["$defs"].as_object().unwrap();
    let mut page = HEAD.to_owned();
    table(&mut page, definitions, "", &schema);
    writeln!(page, "\n# The settings of each policy\n\n{SETTINGS}").unwrap();
    for builtin in builtins() {
        let name = builtin.name;
        writeln!(page, "\n## `{name}`\n\n{}", builtin.summary).unwrap();
        let settings = &definitions[&format!("with.{name}")];
        if settings["properties"].is_object() {
            let example = builtin.example.trim();
            writeln!(page, "\n```yaml\nwith: {example}\n```").unwrap();
            table(&mut page, definitions, &format!("{name}."), settings);
        }
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/configuration.md");
    if fs::read_to_string(&file).unwrap_or_default() != page {
        fs::write(&file, page).unwrap();
        panic!(
            "docs/configuration.md was not that of the schema; it has been written anew: look at it, and commit it"
        );
    }
}
