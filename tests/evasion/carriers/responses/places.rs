//! Calls in events that are not there for them.

use super::*;

pub(super) fn add(carriers: &mut Carriers) {
    let call = carriers.mark.call();
    let begun = || Talk::new().text(0);
    let all = [text(), full(&call)];
    for status in ["completed", "incomplete"] {
        carriers.add(
            format!("only in the output of response.{status}"),
            begun().ends(status, &all).explained(explained()),
        );
    }
    carriers.add(
        "only in the output of response.failed",
        begun().ends("failed", &all).explained(Expect::Refused),
    );
    carriers.add(
        "in the output of response.completed instead of the text",
        begun()
            .ends("completed", &[full(&call)])
            .explained(Expect::Gone),
    );
    let mut both = response("completed", &all);
    both["error"] = json!({ "code": "server_error", "message": "m" });
    carriers.add(
        "in a response.completed with an error",
        begun()
            .event(json!({ "type": "response.completed", "response": both }))
            .explained(Expect::Refused),
    );
    for status in ["created", "in_progress", "queued"] {
        carriers.add(
            format!("in response.{status}"),
            Talk::new()
                .event(json!({ "type": format!("response.{status}"), "response": response("in_progress", &[full(&call)]) }))
                .text(0)
                .end()
                .explained(Expect::Refused),
        );
    }
    carriers.add(
        "in the first response.created",
        Talk::beginning(&[full(&call)])
            .text(0)
            .end()
            .explained(Expect::Refused),
    );
    carriers.add(
        "in an unknown event with a response",
        begun()
            .event(json!({ "type": "response.snapshot", "response": response("in_progress", &[full(&call)]) }))
            .end()
            .explained(Expect::Refused),
    );
    carriers.add(
        "in an unknown event with an item",
        begun()
            .event(json!({ "type": "response.tool_call.done", "output_index": 1, "item": full(&call) }))
            .end()
            .explained(Expect::Refused),
    );
    carriers.add(
        "in an unknown event with an item, of another",
        begun()
            .event(json!({ "type": "response.output_item.snapshot", "output_index": 0, "item": full(&call) }))
            .end()
            .explained(Expect::Refused),
    );
    carriers.add(
        "in response.output_item.done, never added",
        begun().done(1, &full(&call)).end().explained(Expect::Gone),
    );
    carriers.add(
        "in response.output_item.done alone",
        begun()
            .only_done(1, &full(&call))
            .end()
            .explained(Expect::Gone),
    );
    carriers.add(
        "in response.output_item.added, done and the rest left out",
        begun()
            .added(1, &full(&call))
            .end()
            .explained(Expect::Refused),
    );
    carriers.add(
        "an added message that is done as a call",
        begun()
            .added(1, &json!({ "id": "msg_1", "type": "message", "status": "in_progress", "role": "assistant", "content": [] }))
            .done(1, &json!({ "id": "msg_1", "type": "function_call", "status": "completed", "arguments": call.input, "call_id": call.id, "name": call.name }))
            .end()
            .explained(Expect::Gone),
    );
    carriers.add(
        "an item that is done twice, the second time as a call",
        begun()
            .only_done(0, &full(&call))
            .end()
            .explained(Expect::Refused),
    );
    carriers.add(
        "arguments that are done, of no item",
        begun().said(1, &call).end().explained(Expect::Refused),
    );
    if carriers.mark == Mark::Argument {
        // Of the tool's name there is nothing in these.
        carriers.add(
            "arguments in deltas, of no item",
            begun().inputs(1, &call).end().explained(Expect::Refused),
        );
        carriers.add(
            "more arguments behind the end of the item",
            begun()
                .call(1, &carriers.mark.harmless().fine())
                .inputs(1, &call)
                .end()
                .explained(Expect::Refused),
        );
    }
    carriers.add(
        "an added message that begins with a call",
        begun()
            .added(1, &json!({ "id": "msg_1", "type": "message", "status": "in_progress", "role": "assistant", "content": [full(&call)] }))
            .end()
            .explained(Expect::Refused),
    );
}
