use serde_json::{Value, json};

use crate::policy::{Entry, Severity, find, testing::Case};

fn personal(with: &Value) -> Entry {
    find("personal-data").unwrap().build(with).unwrap()
}

#[tokio::test]
async fn it_passes_and_the_operator_is_told_unless_more_is_asked_for() {
    let said = "Write to ann@acme.io or ring (212) 736-5001, and to bob@acme.io.";
    let seen = Case::of([personal(&json!({}))])
        .reply_text(said)
        .run()
        .await;
    assert_eq!(seen.text(), said);
    let told = [
        (Severity::Warning, "flagged email in replies: 2".to_owned()),
        (Severity::Warning, "flagged phone in replies: 1".to_owned()),
    ];
    assert_eq!(seen.emitted(), told);
    let with = json!({"action": "redact", "classes": {"phone": "off"}});
    let seen = Case::of([personal(&with)]).reply_text(said).run().await;
    assert_eq!(
        seen.text(),
        "Write to [redacted:email] or ring (212) 736-5001, and to [redacted:email]."
    );
}

#[tokio::test]
async fn numbers_in_arguments_are_looked_at_as_well() {
    let with = json!({"classes": {"credit_card": "redact"}});
    let seen = Case::of([personal(&with)])
        .reply_tool_call(
            "pay",
            json!({"card": 4_539_578_763_621_486_u64, "amount": 12}),
        )
        .run()
        .await;
    let expected = json!({"card": "[redacted:credit_card]", "amount": 12});
    assert_eq!(seen.tool_calls(), [("pay".to_owned(), expected)]);
}

#[test]
fn secrets_are_another_policys_affair() {
    let error = find("personal-data")
        .unwrap()
        .build(&json!({"classes": {"jwt": "flag"}}))
        .map(|_| ())
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "classes.jwt: this policy is not about jwt"
    );
}
