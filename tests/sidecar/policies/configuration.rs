//! Policies in the configuration: nothing starts that is not as it was meant.

use std::{fs, path::Path, process::Output};

use serde_json::Value;

use crate::support::{sidecar::luthien, within};

async fn run(folder: &Path, arguments: &[&str]) -> Output {
    let output = luthien(folder).args(arguments).output();
    within("the command ends", output).await.unwrap()
}

/// What is wrong with this list of policies, one a line from the second line on.
async fn wrong(policy: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let config =
        format!("policies:\n  - {policy}\nlisten: 127.0.0.1:0\nadmin: {{ listen: 127.0.0.1:0 }}\n");
    fs::write(folder.path().join("luthien.yaml"), config).unwrap();
    let mut said = Vec::new();
    // What does not start is not fine, and the other way round.
    for command in [&["serve"][..], &["check"], &["policy", "check"]] {
        let arguments = [&["--config", "luthien.yaml"], command].concat();
        let output = run(folder.path(), &arguments).await;
        assert_eq!(output.status.code(), Some(1), "{command:?}: {policy}");
        said.push(String::from_utf8(output.stderr).unwrap());
    }
    said.dedup();
    assert_eq!(said.len(), 1, "{said:?}");
    said.remove(0)
}

#[tokio::test]
async fn what_is_wrong_is_named_with_its_place_and_what_may_have_been_meant() {
    for (policy, expected) in [
        (
            "{ use: deny-tulls }",
            r#"luthien.yaml:2:7: policies.0.use: no policy is named "deny-tulls" (did you mean `deny-tools`?)"#,
        ),
        (
            "{ name: x }",
            "luthien.yaml:2:5: policies.0: expected `use`, or `parallel`",
        ),
        (
            "{ use: noop, parallel: { decide: majority, of: [{ use: noop }] } }",
            "luthien.yaml:2:18: policies.0.parallel: expected `use` or `parallel`, and not both",
        ),
        (
            "{ use: deny-tools, with: { toolz: [x] } }",
            "luthien.yaml:2:32: policies.0.with.toolz: unknown key (did you mean `tools`?)",
        ),
        (
            "{ use: deny-tools, with: { tools: [x, 1] } }",
            "policies.0.with.tools.1: invalid type: integer `1`, expected a string",
        ),
        (
            "{ use: replace, with: { to: x } }",
            "luthien.yaml:2:21: policies.0.with: missing field `from`",
        ),
        (
            "{ use: noop, with: [x] }",
            "luthien.yaml:2:18: policies.0.with: invalid type: sequence, expected keys and their values",
        ),
        (
            "{ use: noop, mode: enforced }",
            r#"luthien.yaml:2:18: policies.0.mode: unknown value "enforced" (did you mean `enforce`?)"#,
        ),
        (
            "{ use: noop, fail: close }",
            r#"luthien.yaml:2:18: policies.0.fail: unknown value "close" (did you mean `closed`?)"#,
        ),
        (
            "{ use: noop, deadline: none }",
            "luthien.yaml:2:18: policies.0.deadline: a policy that may think for ever would hold a reply for ever",
        ),
        (
            "{ use: noop, deadline: 5 }",
            "policies.0.deadline: invalid type: integer `5`, expected a time",
        ),
        (
            "{ use: noop, when: 'modle == \"x\"' }",
            r#"luthien.yaml:2:18: policies.0.when: unknown name "modle": did you mean "model"?"#,
        ),
        (
            "{ use: noop }\n  - { use: noop }",
            "luthien.yaml:3:5: policies.1: policies.0 is named \"noop\" as well (give one of them another `name`)",
        ),
        (
            "{ use: noop, name: 'a b' }",
            "luthien.yaml:2:18: policies.0.name: expected at most 64 letters",
        ),
        (
            "{ parallel: { decide: all, of: [] } }",
            "policies.0.parallel.decide: unknown value \"all\" (known are: any_block, majority",
        ),
        (
            "{ parallel: { decide: { designated: b }, of: [{ use: deny-tools, with: { tools: [x] } }] } }",
            "luthien.yaml:2:29: policies.0.parallel.decide.designated: there is no \"b\" among them",
        ),
        (
            "{ parallel: { decide: majority, of: [] } }",
            "luthien.yaml:2:37: policies.0.parallel.of: it must name at least one policy",
        ),
        (
            "{ parallel: { decide: majority, of: [{ use: nope }] } }",
            "luthien.yaml:2:44: policies.0.parallel.of.0.use: no policy is named \"nope\"",
        ),
        (
            "{ parallel: { decide: majority, of: [{ use: noop }] } }",
            "luthien.yaml:2:42: policies.0.parallel.of.0: \"noop\" does not judge",
        ),
        (
            "{ parallel: { decide: majority, of: [{ use: deny-tools, when: x, with: { tools: [x] } }] } }",
            "luthien.yaml:2:61: policies.0.parallel.of.0.when: unknown name \"x\"",
        ),
    ] {
        let said = wrong(policy).await;
        assert!(
            said.contains(expected),
            "{policy}\nexpected {expected}\ngot      {said}"
        );
    }
}

#[tokio::test]
async fn check_says_which_policies_there_are() {
    let folder = tempfile::tempdir().unwrap();
    let config = "policies:\n  - { use: deny-tools, system: true, with: { tools: [x] } }\n  - { use: noop, name: second, mode: observe, fail: open }\n";
    fs::write(folder.path().join("luthien.yaml"), config).unwrap();
    let output = run(folder.path(), &["--config", "luthien.yaml", "check"]).await;
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(
        shown.contains("policy     deny-tools (enforce, closed, system)\n"),
        "{shown}"
    );
    assert!(
        shown.contains("policy     second (observe, open)\n"),
        "{shown}"
    );
}

#[tokio::test]
async fn policies_can_be_set_from_flags_and_variables() {
    let folder = tempfile::tempdir().unwrap();
    let list = async |variables: &[(&str, &str)], arguments: &[&str]| {
        let output = luthien(folder.path())
            .envs(variables.iter().copied())
            .args(arguments)
            .args(["policy", "list"])
            .output();
        let output = within("the command ends", output).await.unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    };
    let shown = list(&[("LUTHIEN_POLICIES", "[{ use: noop, name: mine }]")], &[]).await;
    assert!(shown.contains("mine  noop    enforce  closed"), "{shown}");
    let shown = list(
        &[],
        &[
            "--set",
            "policies=[{ use: noop }]",
            "--set",
            "policies.0.mode=shadow",
        ],
    )
    .await;
    assert!(shown.contains("noop  noop    shadow"), "{shown}");
}

#[tokio::test]
async fn the_schema_knows_the_settings_of_every_policy() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["schema"]).await;
    let schema: Value = serde_json::from_slice(&output.stdout).unwrap();
    let definitions = &schema["$defs"];
    for user in ["Policy", "Reviewer"] {
        let names = definitions[user]["properties"]["use"]["enum"]
            .as_array()
            .unwrap();
        assert!(names.contains(&"deny-tools".into()), "{names:?}");
        for name in names {
            let is = |rule: &&Value| rule["if"]["properties"]["use"]["const"] == *name;
            let rules = definitions[user]["allOf"].as_array().unwrap();
            let rule = rules.iter().find(is).unwrap();
            let with = rule["then"]["properties"]["with"]["$ref"].as_str().unwrap();
            let with = &definitions[with.strip_prefix("#/$defs/").unwrap()];
            assert_eq!(with["additionalProperties"], false, "{name}: {with}");
        }
    }
    // Every reference leads somewhere.
    let text = schema.to_string();
    for reference in text.split("\"#/$defs/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(definitions[name].is_object(), "{name}");
    }
}
