use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    Checked, View, ViewBlock, ensure, error_kind, events::Event, is_str, json, list, maybe, number,
    string,
};
use crate::request::BlockKind;

/// A choice as far as it has come.
#[derive(Default)]
struct Choice {
    thinking: Option<String>,
    refusal: Option<String>,
    text: Option<String>,
    legacy: Option<Call>,
    calls: Vec<Call>,
    stop: Option<String>,
}

#[derive(Default)]
struct Call {
    id: Option<String>,
    name: Option<String>,
    input: String,
}

pub(super) fn stream(events: &[Event]) -> Checked<View> {
    let mut choices: BTreeMap<u32, Choice> = BTreeMap::new();
    let mut id = None;
    let mut is_over = false;
    let mut error = None;
    for event in events {
        ensure(!is_over, "an event behind the last")?;
        let place = |rule| format!("{rule}, at {}", event.data);
        if event.data == "[DONE]" {
            is_over = true;
            continue;
        }
        let data = json(&event.data)?;
        if let Some(found) = data.get("error").filter(|error| !error.is_null()) {
            error = Some(error_kind(found));
            is_over = true;
            continue;
        }
        ensure(
            is_str(&data, "object", "chat.completion.chunk"),
            "no chunk of a completion",
        )
        .map_err(place)?;
        string(&data, "model").map_err(place)?;
        number(&data, "created").map_err(place)?;
        let this = string(&data, "id").map_err(place)?;
        ensure(
            *id.get_or_insert_with(|| this.clone()) == this,
            "two replies in one stream",
        )
        .map_err(place)?;
        for json in list(&data, "choices").map_err(place)? {
            let choice = choices.entry(index(json)?).or_default();
            choice.chunk(json).map_err(place)?;
        }
    }
    ensure(is_over, "the stream ends without its last event")?;
    view(choices, error)
}

pub(super) fn whole(reply: &Value) -> Checked<View> {
    if let Some(error) = reply.get("error").filter(|error| !error.is_null()) {
        return view(BTreeMap::new(), Some(error_kind(error)));
    }
    ensure(is_str(reply, "object", "chat.completion"), "no completion")?;
    string(reply, "id")?;
    string(reply, "model")?;
    number(reply, "created")?;
    let mut choices = BTreeMap::new();
    for json in list(reply, "choices")? {
        let mut choice = Choice::default();
        choice.message(&json["message"])?;
        choice.stop = Some(string(json, "finish_reason")?);
        ensure(json.get("delta").is_none(), "a delta in a whole reply")?;
        let twice = choices.insert(index(json)?, choice).is_some();
        ensure(!twice, "a choice that is there twice")?;
    }
    view(choices, None)
}

fn index(choice: &Value) -> Checked<u32> {
    u32::try_from(number(choice, "index")?).map_err(|_| "too many choices".to_owned())
}

impl Choice {
    fn chunk(&mut self, json: &Value) -> Checked {
        ensure(self.stop.is_none(), "more of a choice that has stopped")?;
        ensure(json.get("message").is_none(), "a message in a stream")?;
        let delta = &json["delta"];
        ensure(delta.is_object(), "no delta")?;
        for (so_far, names) in [
            (&mut self.thinking, &["reasoning_content", "reasoning"][..]),
            (&mut self.refusal, &["refusal"]),
            (&mut self.text, &["content"]),
        ] {
            for name in names {
                if let Some(more) = maybe(delta, name)? {
                    so_far.get_or_insert_default().push_str(&more);
                    break;
                }
            }
        }
        if let Some(legacy) = delta.get("function_call").filter(|call| !call.is_null()) {
            self.legacy.get_or_insert_default().more(legacy)?;
        }
        let calls = delta.get("tool_calls").filter(|calls| !calls.is_null());
        if calls.is_some() {
            for call in list(delta, "tool_calls")? {
                self.call(call)?;
            }
        }
        self.stop = maybe(json, "finish_reason")?;
        Ok(())
    }

    fn call(&mut self, json: &Value) -> Checked {
        let index = number(json, "index")?;
        if index == self.calls.len() {
            let id = Some(string(json, "id")?);
            self.calls.push(Call {
                id,
                ..Call::default()
            });
        }
        let gap = || "a gap in the numbers of calls".to_owned();
        let call = self.calls.get_mut(index).ok_or_else(gap)?;
        call.more(inner(json)?)
    }

    fn message(&mut self, message: &Value) -> Checked {
        ensure(is_str(message, "role", "assistant"), "no assistant")?;
        self.thinking = maybe(message, "reasoning_content")?.or(maybe(message, "reasoning")?);
        self.refusal = maybe(message, "refusal")?;
        self.text = maybe(message, "content")?;
        if let Some(legacy) = message.get("function_call").filter(|call| !call.is_null()) {
            self.legacy.get_or_insert_default().more(legacy)?;
        }
        if message.get("tool_calls").is_some() {
            let calls = list(message, "tool_calls")?;
            ensure(!calls.is_empty(), "a list of calls without any")?;
            for json in calls {
                let mut call = Call {
                    id: Some(string(json, "id")?),
                    ..Call::default()
                };
                call.more(inner(json)?)?;
                self.calls.push(call);
            }
        }
        Ok(())
    }

    fn blocks(self, choice: u32, blocks: &mut Vec<ViewBlock>) -> Checked {
        for (kind, text) in [
            (BlockKind::Thinking, self.thinking),
            (BlockKind::Refusal, self.refusal),
            (BlockKind::Text, self.text),
        ] {
            let text = text.filter(|text| !text.is_empty());
            blocks.extend(text.map(|text| ViewBlock::text(choice, kind, text)));
        }
        for call in self.legacy.into_iter().chain(self.calls) {
            ensure(call.name.is_some(), "a call without a name")?;
            blocks.push(ViewBlock {
                id: call.id,
                name: call.name,
                input: call.input,
                ..ViewBlock::new(choice, BlockKind::ToolCall)
            });
        }
        Ok(())
    }
}

impl Call {
    fn more(&mut self, inner: &Value) -> Checked {
        if let Some(name) = maybe(inner, "name")? {
            ensure(self.name.is_none(), "a call that is named twice")?;
            self.name = Some(name);
        }
        for member in ["arguments", "input"] {
            self.input
                .push_str(&maybe(inner, member)?.unwrap_or_default());
        }
        Ok(())
    }
}

/// Where the name and the arguments of a tool call are.
fn inner(call: &Value) -> Checked<&Value> {
    call.get("function")
        .or_else(|| call.get("custom"))
        .ok_or_else(|| format!("a call of an unknown kind: {call}"))
}

fn view(choices: BTreeMap<u32, Choice>, error: Option<String>) -> Checked<View> {
    let mut view = View {
        error,
        ..View::default()
    };
    for (number, choice) in choices {
        let stop = choice.stop.clone();
        let (has_legacy, has_calls) = (choice.legacy.is_some(), !choice.calls.is_empty());
        choice.blocks(number, &mut view.blocks)?;
        match stop.as_deref() {
            Some("tool_calls") => ensure(has_calls, "it stops for a call, and there is none")?,
            Some("function_call") => ensure(has_legacy, "it stops for a call, and there is none")?,
            Some(_) => {}
            None => ensure(view.error.is_some(), "a choice that does not stop")?,
        }
        view.stops.extend(stop.map(|stop| (number, stop)));
    }
    Ok(view)
}
