//! Replies that are not streamed.

use super::*;
use crate::carriers::documents;

pub(super) fn add(carriers: &mut Carriers) {
    let (call, other) = (carriers.mark.call(), Call::kept());
    let reply = |content: &[Value]| message(content, &json!("tool_use"));
    let put = |carriers: &mut Carriers, carrier: &str, content: &[Value], expect| {
        carriers.add(
            format!("{carrier}, whole"),
            Exchange::whole(reply(content).to_string(), expect),
        );
    };
    put(
        carriers,
        "a plain call",
        &[text(), used(&call)],
        explained(),
    );
    put(carriers, "a call and no text", &[used(&call)], explained());
    put(
        carriers,
        "the first of two calls",
        &[text(), used(&call), used(&other)],
        kept(),
    );
    put(
        carriers,
        "the second of two calls",
        &[used(&other), used(&call)],
        kept(),
    );
    put(
        carriers,
        "text behind the call",
        &[used(&call), text()],
        explained(),
    );
    let mut unknown = used(&call);
    for kind in ["hosted_tool_use", "Tool_use", ""] {
        unknown["type"] = json!(kind);
        put(
            carriers,
            &format!("a block of the type {kind:?}"),
            &[text(), unknown.clone()],
            explained(),
        );
    }
    unknown.as_object_mut().unwrap().remove("type");
    put(
        carriers,
        "a block of no type",
        &[text(), unknown],
        explained(),
    );
    for reason in ["end_turn", "max_tokens", "refusal", "newer"] {
        carriers.add(
            format!("a call, and the stop reason {reason}, whole"),
            Exchange::whole(
                message(&[text(), used(&call)], &json!(reason)).to_string(),
                explained(),
            ),
        );
    }
    carriers.add(
        "a call, and no stop reason, whole",
        Exchange::whole(
            message(&[text(), used(&call)], &Value::Null).to_string(),
            Expect::Gone,
        ),
    );
    let plain = reply(&[text(), used(&call)]);
    let with = |name: &str, value: Value| {
        let mut reply = plain.clone();
        reply[name] = value;
        reply.to_string()
    };
    carriers.add(
        "a reply that calls itself an error",
        Exchange::whole(with("type", json!("error")), Expect::Refused),
    );
    carriers.add(
        "a reply that is an error as well",
        Exchange::whole(
            {
                let mut reply = plain.clone();
                reply["type"] = json!("error");
                reply["error"] = json!({ "type": "api_error", "message": "m" });
                reply.to_string()
            },
            Expect::Refused,
        ),
    );
    carriers.add(
        "a reply with an error beside it",
        Exchange::whole(
            with("error", json!({ "type": "api_error", "message": "m" })),
            explained(),
        ),
    );
    carriers.add(
        "a reply of an unknown type",
        Exchange::whole(with("type", json!("newer")), Expect::Gone),
    );
    carriers.add(
        "a call instead of a list",
        Exchange::whole(with("content", used(&call)), Expect::Refused),
    );
    carriers.add(
        "a list inside the list",
        Exchange::whole(with("content", json!([[used(&call)]])), Expect::Refused),
    );
    carriers.add(
        "a message inside the message",
        Exchange::whole(
            {
                let mut outer = reply(&[text()]);
                outer["stop_reason"] = json!("end_turn");
                outer["message"] = plain.clone();
                outer.to_string()
            },
            Expect::Refused,
        ),
    );
    carriers.add(
        "a message inside an envelope",
        Exchange::whole(json!({ "message": plain }).to_string(), Expect::Refused),
    );
    let escaped = plain
        .to_string()
        .replace("\"name\"", "\"n\\u0061me\"")
        .replace("\"content\"", "\"c\\u006fntent\"")
        .replace("\"tool_use\"", "\"tool\\u005fuse\"");
    documents::add(carriers, &plain, &reply(&[text()]).to_string(), escaped);
}
