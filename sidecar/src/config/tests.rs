mod reference;

use std::{fs, time::Duration};

use tempfile::TempDir;

use super::{Config, Loaded, Mode, Policy, Relay, Sources, Time, schema};

fn load_from(
    yaml: &str,
    variables: &[(&str, &str)],
    flags: &[&str],
) -> (TempDir, Result<Loaded, String>) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("luthien.yaml");
    fs::write(&file, yaml).unwrap();
    let sources = Sources {
        file: Some(file),
        flags: flags.iter().map(|flag| (*flag).to_owned()).collect(),
    };
    let variables = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let loaded = sources.load_with(variables).map_err(|error| {
        let error = error.to_string();
        error.replace(&format!("{}/", folder.path().display()), "")
    });
    (folder, loaded)
}

fn load(yaml: &str) -> Config {
    load_from(yaml, &[], &[]).1.unwrap().config
}

fn error(yaml: &str) -> String {
    load_from(yaml, &[], &[]).1.unwrap_err()
}

#[test]
fn an_empty_file_is_a_configuration() {
    let config = load("");
    assert_eq!(config.listen.to_string(), "127.0.0.1:8000");
    assert_eq!(config.admin.listen.to_string(), "127.0.0.1:8001");
    assert_eq!(config.identity.mode, Mode::Passthrough);
    let upstreams: Vec<_> = config
        .upstreams
        .values()
        .map(|up| up.url.as_str())
        .collect();
    assert_eq!(
        upstreams,
        ["https://api.anthropic.com", "https://api.openai.com"]
    );
    assert_eq!(config.limits.body.0, 32 << 20);
}

#[test]
fn every_setting_has_the_shape_that_is_documented() {
    let config = load(
        r#"
listen: 127.0.0.1:9000
admin: { listen: 127.0.0.1:9001 }
identity: { mode: passthrough }
upstreams:
  anthropic: { url: https://api.anthropic.com, dialects: [anthropic] }
  openai: { url: https://api.openai.com, dialects: [chat, responses] }
routes: [{ models: ["claude-*"], upstreams: [anthropic] }]
limits: { body: 16MiB, messages: 10000, tools: 2000 }
rate: [{ per: key, requests: 600, every: 1m }, { per: user, output_tokens: 200000, every: 1h }]
deadlines: { connect: 5s, first_byte: 10m, idle: 5m, total: 60m }
relay: ["GET /v1/models", "POST /v1/messages/count_tokens", "POST /v1/embeddings"]
repair: { duplicate_tools: on, orphan_tool_results: off }
policies:
  - { use: deny-tools, system: true, mode: enforce, fail: closed, deadline: 50ms, with: { tools: ["mcp__prod__*"] } }
  - { use: replace, when: 'model.startsWith("claude-")', with: { from: "foo", to: "bar", in: reply } }
  - parallel: { decide: majority, of: [{ use: deny-tools, with: { tools: [a] } }, { use: deny-tools, name: b, with: { tools: [b] } }] }
  - { parallel: { decide: { designated: deny-tools }, of: [{ use: deny-tools, fail: open, with: { tools: [a] } }] }, name: other }
policy: { held: 8MiB, show_arguments: false, coverage: required }
"#,
    );
    assert_eq!(config.limits.body.0, 16 << 20);
    assert_eq!(config.deadlines.first_byte.0, Duration::from_secs(600));
    assert_eq!(config.rate.len(), 2);
    assert!(config.repair.duplicate_tools.0 && !config.repair.orphan_tool_results.0);
    assert!(matches!(config.relay, Relay::Only(paths) if paths.len() == 3));
    let names: Vec<_> = config.policies.iter().map(Policy::own_name).collect();
    assert_eq!(names, ["deny-tools", "replace", "parallel", "other"]);
    assert_eq!(
        config.policies[0].deadline,
        Some(Time(Duration::from_millis(50)))
    );
    assert_eq!(config.policy.held.0, 8 << 20);
}

#[test]
fn what_is_wrong_is_named_with_its_place_and_what_may_have_been_meant() {
    for (yaml, expected) in [
        (
            "limits: { bodyy: 1MiB }",
            "luthien.yaml:1:11: limits.bodyy: unknown key (did you mean `body`?)",
        ),
        (
            "\nlisten: 8000",
            "luthien.yaml:2:1: listen: invalid type: integer `8000`, expected an address with its port, such as 127.0.0.1:8000",
        ),
        (
            "record: { retention: { archive: old } }",
            "record.retention.archive: nothing is archived, since nothing is deleted",
        ),
        (
            "listen: nowhere",
            "luthien.yaml:1:1: listen: expected an address with its port",
        ),
        (
            "limits: { body: lots }",
            "luthien.yaml:1:11: limits.body: invalid value: string \"lots\", expected a size with its unit",
        ),
        (
            "limits: { body: 32 }",
            "luthien.yaml:1:11: limits.body: invalid type: integer `32`, expected a size with its unit",
        ),
        (
            "limits: { messages: -1 }",
            "limits.messages: invalid value: integer `-1`, expected a whole number from 0",
        ),
        (
            "limits: { connections: 0 }",
            "limits.connections: invalid value: integer `0`, expected a whole number from 1",
        ),
        (
            "deadlines: { idle: 5 }",
            "luthien.yaml:1:14: deadlines.idle: invalid type: integer `5`, expected a time with its unit",
        ),
        (
            "identity: { mode: key }",
            "luthien.yaml:1:13: identity.mode: unknown value \"key\" (did you mean `keys`?)",
        ),
        (
            "identity: keys",
            "luthien.yaml:1:1: identity: invalid type: string \"keys\", expected keys and their values",
        ),
        (
            "rate: [{ per: key, requests: 1 }]",
            "luthien.yaml:1:8: rate.0: `every` is missing",
        ),
        (
            "rate: [{ per: key, requests: 1, output_tokens: 1, every: 1m }]",
            "rate.0: expected exactly one of",
        ),
        (
            "rate: [{ per: key, concurrent: 1, every: 1m }]",
            "luthien.yaml:1:35: rate.0.every: makes no sense with `concurrent`",
        ),
        (
            "routes: [{ models: [\"*\"], upstreams: [antropic] }]",
            "luthien.yaml:1:39: routes.0.upstreams.0: no upstream is named \"antropic\" (did you mean `anthropic`?)",
        ),
        (
            "relay: [\"/v1/models\"]",
            "luthien.yaml:1:9: relay.0: \"/v1/models\" is not a method and a path",
        ),
        (
            "relay: closed",
            "luthien.yaml:1:1: relay: expected a list such as [\"GET /v1/models\"], or `open`",
        ),
        (
            "upstreams: { a: { url: \"ftp://x\" } }",
            "luthien.yaml:1:19: upstreams.a.url: ",
        ),
        (
            "upstreams: { a: { uri: \"http://x\" } }",
            "luthien.yaml:1:19: upstreams.a.uri: unknown key (did you mean `url`?)",
        ),
        (
            "upstreams: { a: { url: \"http://x\", dialects: [] } }",
            "an upstream that speaks nothing is never asked",
        ),
        (
            "deadlines: { total: 1m }",
            "luthien.yaml:1:12: deadlines.first_byte: is never reached: `total` is 60s",
        ),
        (
            "listen: 127.0.0.1:8001",
            "admin.listen: 127.0.0.1:8001 is where agents connect already",
        ),
        (
            "hosts: [\"http://x\"]",
            "luthien.yaml:1:9: hosts.0: expected the name of a host",
        ),
        (
            "redis: { url: localhost }",
            "luthien.yaml:1:10: redis.url: expected a URL of the form redis://",
        ),
        ("listen: [", "luthien.yaml:1:9: not YAML: unclosed bracket"),
        (
            "listen: 127.0.0.1:1\nlisten: 127.0.0.1:2",
            "luthien.yaml:2:1: not YAML: duplicate mapping key: listen",
        ),
    ] {
        let error = error(yaml);
        assert!(
            error.contains(expected),
            "{yaml}\nexpected {expected}\ngot      {error}"
        );
    }
}

#[test]
fn no_other_machine_gets_in_without_a_key() {
    let foreign = "listen: 0.0.0.0:8000";
    assert!(error(foreign).contains("anybody there could use it"));
    let keys = format!(
        "{foreign}\nidentity: {{ mode: keys }}\nupstreams: {{ a: {{ url: 'http://x', credential: none }} }}"
    );
    assert!(error(&keys).contains("keys would travel in the clear"));
    load(&format!("{keys}\nbehind_proxy: true"));
    assert!(error("admin: { listen: '0.0.0.0:8001' }").contains("admin.allow_remote"));
}

#[test]
fn flags_go_before_the_environment_and_that_before_the_file() {
    let yaml = "limits: { body: 1MiB, messages: 1, tools: 1 }";
    let variables = [
        ("LUTHIEN_LIMITS__BODY", "2MiB"),
        ("LUTHIEN_LIMITS__MESSAGES", "2"),
        ("LUTHIEN_CONFIG", "somewhere"),
        ("OTHER", "x"),
    ];
    let (_, loaded) = load_from(yaml, &variables, &["limits.body=3MiB"]);
    let loaded = loaded.unwrap();
    let limits = loaded.config.limits;
    assert_eq!(
        (limits.body.0, limits.messages, limits.tools),
        (3 << 20, 2, 1)
    );
    assert_eq!(
        loaded.overrides,
        ["LUTHIEN_LIMITS__BODY", "LUTHIEN_LIMITS__MESSAGES"]
    );
}

#[test]
fn an_error_names_the_variable_or_the_flag_that_it_came_from() {
    let (_, loaded) = load_from("", &[("LUTHIEN_LIMITS__BODDY", "1MiB")], &[]);
    let error = loaded.unwrap_err();
    assert!(
        error.starts_with("LUTHIEN_LIMITS__BODDY: limits.boddy: unknown key"),
        "{error}"
    );
    let (_, loaded) = load_from("", &[], &["listen=x"]);
    let error = loaded.unwrap_err();
    assert!(error.starts_with("--set listen=x: listen: "), "{error}");
}

#[test]
fn whole_parts_can_be_set_from_one_text() {
    let (_, loaded) = load_from(
        "",
        &[],
        &[
            "upstreams={ mine: { url: 'http://127.0.0.1:1' } }",
            "relay=open",
        ],
    );
    let config = loaded.unwrap().config;
    assert_eq!(config.upstreams.keys().collect::<Vec<_>>(), ["mine"]);
    assert!(matches!(config.relay, Relay::Open(_)));
}

#[test]
fn secrets_are_fetched_from_files_and_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    fs::write(&file, "sk-very-secret\n").unwrap();
    let yaml = |credential: &str| {
        format!(
            "identity: {{ mode: keys }}\nupstreams: {{ a: {{ url: 'http://x', credential: '{credential}' }} }}"
        )
    };
    let config = load(&yaml(&format!("file:{}", file.display())));
    let secret = config.upstreams["a"].credential.as_ref().unwrap();
    assert_eq!(secret.expose(), "sk-very-secret");
    assert!(!format!("{config:?}").contains("very-secret"));
    let written = error(&yaml("sk-very-secret"));
    assert!(
        written.contains("a secret does not belong into this file"),
        "{written}"
    );
    assert!(!written.contains("very-secret"));
    let missing = error(&yaml("${LUTHIEN_TEST_NOT_SET}"));
    assert!(
        missing.contains("the environment variable LUTHIEN_TEST_NOT_SET is not set"),
        "{missing}"
    );
    assert!(error(&yaml("file:/nowhere/at/all")).contains("cannot be read"));
}

#[test]
fn a_credential_that_would_never_be_used_is_a_contradiction() {
    let yaml = "upstreams: { a: { url: 'http://x', credential: '${HOME}' } }";
    assert!(error(yaml).contains("is never used"));
    let yaml = "identity: { mode: keys }\nupstreams: { a: { url: 'http://x' } }";
    assert!(error(yaml).contains("upstreams.a.credential: is missing"));
}

#[test]
fn the_schema_knows_every_key() {
    let schema = schema().to_value();
    let known: Vec<_> = schema["properties"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    for key in [
        "listen",
        "admin",
        "identity",
        "upstreams",
        "routes",
        "limits",
        "rate",
        "policies",
        "policy",
        "deadlines",
        "relay",
        "repair",
    ] {
        assert!(known.iter().any(|known| known == key), "{key}");
    }
    for property in schema["properties"].as_object().unwrap().values() {
        assert!(
            property["description"].is_string(),
            "{property} is not explained"
        );
    }
}

/// A configuration with a file of rules beside it.
fn with_rules(yaml: &str, rules: &str) -> Result<Loaded, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("luthien.yaml");
    fs::write(&file, yaml).unwrap();
    fs::create_dir(folder.path().join("policies")).unwrap();
    fs::write(folder.path().join("policies/rules.yaml"), rules).unwrap();
    let sources = Sources {
        file: Some(file),
        flags: Vec::new(),
    };
    sources.load_with(std::iter::empty()).map_err(|error| {
        error
            .to_string()
            .replace(&format!("{}/", folder.path().display()), "")
    })
}

const RULES_ELSEWHERE: &str = "policies: [{ use: rules, with: { file: policies/rules.yaml } }]";

#[test]
fn rules_stand_in_a_file_of_their_own_beside_the_configuration() {
    let rule =
        "- { name: a, on: tool_call, when: 'tool.name == \"x\"', do: block, message: never }\n";
    for rules in [rule.to_owned(), format!("rules:\n{rule}")] {
        let config = with_rules(RULES_ELSEWHERE, &rules).unwrap().config;
        let with = &config.policies[0].with;
        assert_eq!(with["rules"][0]["name"], "a");
        assert!(!with.contains_key("file"));
        assert_eq!(config.included.len(), 1);
        assert!(config.included[0].ends_with("policies/rules.yaml"));
    }
    let reviewer = "policies: [{ parallel: { decide: any_block, of: [{ use: rules, with: { file: policies/rules.yaml } }] } }]";
    assert_eq!(with_rules(reviewer, rule).unwrap().config.included.len(), 1);
}

#[test]
fn what_is_wrong_in_a_file_of_rules_is_said_with_its_line_and_column() {
    let rule = |when: &str| {
        format!(
            "rules:\n  - name: a\n    on: tool_call\n    when: {when}\n    do: block\n    message: never\n"
        )
    };
    for (rules, expected) in [
        (
            rule("tol.name == 'x'"),
            "policies/rules.yaml:4:5: policies.0.with.rules.0.when: unknown name \"tol\": did you mean \"tool\"?",
        ),
        (
            "- { name: a, wehn: x }".to_owned(),
            "policies/rules.yaml:1:14: policies.0.with.rules.0.wehn: unknown key (did you mean `when`?)",
        ),
        (
            "rules: []\nmore: 1".to_owned(),
            "policies/rules.yaml:2:1: unknown key \"more\": expected `rules`",
        ),
        ("a: [".to_owned(), "policies/rules.yaml:1:"),
        (
            "yes".to_owned(),
            "policies/rules.yaml:1:1: expected a list of rules",
        ),
        (String::new(), "policies/rules.yaml"),
    ] {
        let error = with_rules(RULES_ELSEWHERE, &rules).unwrap_err();
        assert!(error.starts_with(expected), "{rules}: {error}");
    }
    let error = error("policies: [{ use: rules, with: { file: nowhere.yaml } }]");
    assert!(
        error.starts_with("luthien.yaml:1:34: policies.0.with.file: the file "),
        "{error}"
    );
    let both = "policies: [{ use: rules, with: { file: policies/rules.yaml, rules: [] } }]";
    let error = with_rules(both, "[]").unwrap_err();
    assert!(
        error
            .starts_with("luthien.yaml:1:34: policies.0.with.file: rules stand here, or in a file"),
        "{error}"
    );
}

#[test]
fn headers_of_a_policy_over_http_are_references_where_they_are_secret() {
    let with = |header: &str| {
        format!(
            "policies: [{{ use: http, with: {{ url: 'http://127.0.0.1:9/', watch: [text], headers: {{ {header} }} }} }}]"
        )
    };
    let config = load(&with(
        "x-team: blue, authorization: 'Bearer ${PATH}', x-key: none",
    ));
    // Where it is shown, the reference is.
    let shown = format!("{config:?}");
    assert!(shown.contains("${PATH}") && !shown.contains(&std::env::var("PATH").unwrap()));
    let unset = error(&with("authorization: 'Bearer ${LUTHIEN_NOT_SET}'"));
    assert!(unset.contains("policies.0.with.headers.authorization: the environment variable LUTHIEN_NOT_SET is not set"), "{unset}");
    let written = error(&with("authorization: Bearer s3cret"));
    assert!(
        written.contains("a secret does not belong into this file"),
        "{written}"
    );
}
