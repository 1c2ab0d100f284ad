//! The schemas in the docs are those of the types.

use std::{fs, path::Path};

use schemars::{Schema, schema_for};
use serde_json::{Value, json};

use super::super::{answer::Answer, contract::Question};

/// Fails if the file does not hold the schema; with `LUTHIEN_TEST_WRITE` set, it is written first.
fn is_written(name: &str, schema: &Schema) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/schemas");
    let file = folder.join(name);
    let expected = format!("{}\n", serde_json::to_string_pretty(schema).unwrap());
    if std::env::var_os("LUTHIEN_TEST_WRITE").is_some() {
        fs::create_dir_all(&folder).unwrap();
        fs::write(&file, &expected).unwrap();
    }
    let written = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        written == expected,
        "{} is not what the types say: run the test with LUTHIEN_TEST_WRITE=1",
        file.display()
    );
}

#[test]
fn the_schemas_in_the_docs_are_those_of_the_contract() {
    is_written("policy-question-v1.json", &schema_for!(Question<'_>));
    is_written("policy-answer-v1.json", &schema_for!(Answer));
}

#[test]
fn the_examples_in_the_docs_are_questions_and_answers() {
    let page = include_str!("../../../../../../docs/policy-over-http.md");
    let mut questions = 0;
    let mut answers = 0;
    for block in page.split("```json\n").skip(1) {
        let text = block.split("```").next().unwrap();
        let example: Value = serde_json::from_str(text).unwrap();
        assert_eq!(example["version"], json!(1), "{text}");
        if example.get("phase").is_some() {
            questions += 1;
            assert!(example["exchange"]["dialect"].is_string(), "{text}");
        } else {
            answers += 1;
            Answer::read(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"));
        }
    }
    assert!(questions >= 2 && answers >= 3, "{questions} {answers}");
}
