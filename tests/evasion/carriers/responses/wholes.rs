//! Replies that are not streamed.

use super::*;
use crate::carriers::documents;

pub(super) fn add(carriers: &mut Carriers) {
    let (call, other) = (carriers.mark.call(), Call::kept());
    let put = |carriers: &mut Carriers, carrier: &str, output: &[Value], expect| {
        carriers.add(
            format!("{carrier}, whole"),
            Exchange::whole(response("completed", output).to_string(), expect),
        );
    };
    put(
        carriers,
        "a plain call",
        &[text(), full(&call)],
        explained(),
    );
    put(carriers, "a call and no text", &[full(&call)], explained());
    put(
        carriers,
        "the first of two calls",
        &[text(), full(&call), full(&other)],
        kept(),
    );
    put(
        carriers,
        "the second of two calls",
        &[full(&other), full(&call)],
        kept(),
    );
    put(
        carriers,
        "a custom tool",
        &[text(), custom(&call, "completed")],
        explained(),
    );
    put(
        carriers,
        "text behind the call",
        &[full(&call), text()],
        explained(),
    );
    let object: Value = serde_json::from_str(&call.input).unwrap();
    let mut item = full(&call);
    item["arguments"] = object;
    put(
        carriers,
        "arguments that are an object",
        &[text(), item],
        explained(),
    );
    carriers.add(
        "a response that is incomplete, whole",
        Exchange::whole(
            response("incomplete", &[text(), full(&call)]).to_string(),
            explained(),
        ),
    );
    carriers.add(
        "a response that has failed, whole",
        Exchange::whole(
            response("failed", &[text(), full(&call)]).to_string(),
            Expect::Refused,
        ),
    );
    let plain = response("completed", &[text(), full(&call)]);
    let with = |name: &str, value: Value| {
        let mut reply = plain.clone();
        reply[name] = value;
        reply.to_string()
    };
    for error in [
        json!({ "message": "m", "code": "c" }),
        json!("m"),
        json!(false),
        json!({}),
        json!(""),
    ] {
        carriers.add(
            format!("an error {error} beside the output, whole"),
            Exchange::whole(with("error", error), Expect::Refused),
        );
    }
    for status in [
        json!("in_progress"),
        json!("queued"),
        json!("newer"),
        Value::Null,
    ] {
        carriers.add(
            format!("the status {status}, whole"),
            Exchange::whole(with("status", status), Expect::Gone),
        );
    }
    carriers.add(
        "an output that is an object, whole",
        Exchange::whole(with("output", full(&call)), Expect::Refused),
    );
    carriers.add(
        "a list inside the output, whole",
        Exchange::whole(with("output", json!([[full(&call)]])), Expect::Refused),
    );
    carriers.add(
        "a response inside the response",
        Exchange::whole(
            {
                let mut outer = response("completed", &[text()]);
                outer["response"] = plain.clone();
                outer.to_string()
            },
            Expect::Refused,
        ),
    );
    carriers.add(
        "an event in place of a response",
        Exchange::whole(
            json!({ "type": "response.completed", "response": plain }).to_string(),
            Expect::Refused,
        ),
    );
    let escaped = plain
        .to_string()
        .replace("\"output\"", "\"o\\u0075tput\"")
        .replace("\"name\"", "\"n\\u0061me\"")
        .replace("\"function_call\"", "\"function\\u005fcall\"");
    documents::add(
        carriers,
        &plain,
        &response("completed", &[text()]).to_string(),
        escaped,
    );
}
