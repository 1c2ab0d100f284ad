//! Items of other kinds that a client runs.

use super::*;

pub(super) fn add(carriers: &mut Carriers) {
    let (call, other) = (carriers.mark.call(), Call::kept());
    let begun = || Talk::new().text(0);
    let free = call.with_input(match carriers.mark {
        Mark::Name => "free text",
        Mark::Argument => "free text with LEAKARG in it",
    });
    carriers.add(
        "a custom tool",
        begun().custom(1, &free).end().explained(explained()),
    );
    carriers.add(
        "a custom tool beside another call",
        begun()
            .call(1, &other)
            .custom(2, &free)
            .end()
            .explained(kept()),
    );
    if carriers.mark == Mark::Argument {
        for (kind, member, input) in [
            (
                "local_shell_call",
                "action",
                json!({ "type": "exec", "command": ["echo", "LEAKARG"], "env": {} }),
            ),
            (
                "shell_call",
                "action",
                json!({ "commands": ["echo LEAKARG"], "timeout_ms": null, "max_output_length": null }),
            ),
            (
                "computer_call",
                "action",
                json!({ "type": "type", "text": "LEAKARG" }),
            ),
            (
                "apply_patch_call",
                "operation",
                json!({ "type": "create_file", "path": "LEAKARG", "diff": "+x" }),
            ),
        ] {
            let item = |status: &str| {
                let mut item = json!({ "id": "lsh_LEAKID", "type": kind, "status": status, "call_id": "call_LEAKID" });
                item[member] = input.clone();
                item
            };
            carriers.add(
                format!("a {kind}"),
                begun()
                    .added(1, &item("in_progress"))
                    .done(1, &item("completed"))
                    .end()
                    .explained(explained()),
            );
            carriers.add(
                format!("a {kind}, whole"),
                Exchange::whole(
                    response("completed", &[text(), item("completed")]).to_string(),
                    explained(),
                ),
            );
        }
    }
    for kind in [
        "agent_call",
        "hosted_function_call",
        "Function_call",
        "function_call ",
        "tool_use",
        "",
    ] {
        let item = |input: &str, status: &str| json!({ "id": "x_LEAKID", "type": kind, "status": status, "call_id": call.id, "name": call.name, "arguments": input });
        carriers.add(
            format!("an item of the type {kind:?}"),
            begun()
                .added(1, &item("", "in_progress"))
                .done(1, &item(&call.input, "completed"))
                .end()
                .explained(explained()),
        );
        carriers.add(
            format!("an item of the type {kind:?}, whole"),
            Exchange::whole(
                response("completed", &[text(), item(&call.input, "completed")]).to_string(),
                explained(),
            ),
        );
    }
    for kind in [None, Some(Value::Null), Some(json!(["function_call"]))] {
        let mut item = full(&call);
        let carrier = format!("an item of the type {kind:?}");
        match kind {
            Some(kind) => item["type"] = kind,
            None => {
                item.as_object_mut().unwrap().remove("type");
            }
        }
        carriers.add(
            carrier.clone(),
            begun()
                .added(1, &item)
                .done(1, &item)
                .end()
                .explained(explained()),
        );
        carriers.add(
            format!("{carrier}, whole"),
            Exchange::whole(
                response("completed", &[text(), item]).to_string(),
                explained(),
            ),
        );
    }
    let object: Value = serde_json::from_str(&call.input).unwrap();
    let mut item = full(&call);
    item["arguments"] = object;
    carriers.add(
        "arguments that are an object",
        begun()
            .begin(1, &call)
            .done(1, &item)
            .end()
            .explained(explained()),
    );
    let inside = |part: Value| json!({ "id": "msg_1", "type": "message", "status": "completed", "role": "assistant", "content": [part] });
    for (carrier, part) in [
        ("a call as a part of a message", full(&call)),
        (
            "a tool_use as a part of a message",
            json!({ "type": "tool_use", "id": call.id, "name": call.name, "input": call.input }),
        ),
    ] {
        carriers.add(
            carrier,
            begun()
                .added(1, &json!({ "id": "msg_1", "type": "message", "status": "in_progress", "role": "assistant", "content": [] }))
                .event(json!({ "type": "response.content_part.added", "item_id": "msg_1", "output_index": 1, "content_index": 0, "part": part }))
                .event(json!({ "type": "response.content_part.done", "item_id": "msg_1", "output_index": 1, "content_index": 0, "part": part }))
                .done(1, &inside(part.clone()))
                .end()
                .explained(Expect::Gone),
        );
        carriers.add(
            format!("{carrier}, whole"),
            Exchange::whole(
                response("completed", &[text(), inside(part)]).to_string(),
                explained(),
            ),
        );
    }
}
