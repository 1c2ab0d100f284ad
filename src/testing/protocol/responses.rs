use serde_json::Value;

use super::{
    Checked, View, ViewBlock, ensure, error_kind, events::Event, is_str, json, list, maybe, number,
    string,
};
use crate::request::BlockKind;

#[derive(Default)]
struct Stream {
    id: Option<String>,
    sequence: usize,
    items: Vec<Item>,
    end: Option<View>,
}

/// An item as its events tell it.
struct Item {
    id: Option<String>,
    kind: String,
    parts: Vec<Part>,
    summary: Vec<Part>,
    /// The arguments in deltas.
    input: Option<String>,
    done: Option<Value>,
}

/// A part of a message, of a reasoning's summary, or of a reasoning's content.
#[derive(Default)]
struct Part {
    text: String,
    /// It was said whole, with or without what is around it.
    is_said: bool,
    is_done: bool,
}

pub(super) fn stream(events: &[Event]) -> Checked<View> {
    let mut stream = Stream::default();
    for event in events {
        let data = json(&event.data)?;
        let kind = string(&data, "type")?;
        let place = |rule| format!("{rule}, at {}", event.data);
        ensure(kind == event.name, "an event has another name than type").map_err(place)?;
        stream.event(&kind, &data).map_err(place)?;
    }
    stream
        .end
        .ok_or_else(|| "the stream ends without its last event".to_owned())
}

impl Stream {
    fn event(&mut self, kind: &str, data: &Value) -> Checked {
        ensure(self.end.is_none(), "an event behind the last")?;
        ensure(
            number(data, "sequence_number")? == self.sequence,
            "a gap in the numbers of events",
        )?;
        self.sequence += 1;
        if kind == "error" {
            self.end = Some(View {
                error: Some(maybe(data, "code")?.unwrap_or_default()),
                ..View::default()
            });
            return Ok(());
        }
        let is_first = self.id.is_none();
        ensure(
            is_first == (kind == "response.created"),
            "response.created stands first, once",
        )?;
        match kind {
            "response.created" | "response.in_progress" | "response.queued" => {
                let response = &data["response"];
                self.is_this(response)?;
                ensure(
                    list(response, "output")?.is_empty(),
                    "a response that begins with its output",
                )
            }
            "response.completed" | "response.incomplete" | "response.failed" => {
                self.last(&data["response"])
            }
            "response.output_item.added" => self.begin(data),
            _ if data.get("output_index").is_some() => {
                let index = number(data, "output_index")?;
                let item = self.items.get_mut(index).filter(|item| item.done.is_none());
                let item = item.ok_or("it speaks of an item that is not open")?;
                item.event(kind, data)
            }
            _ => Ok(()),
        }
    }

    fn is_this(&mut self, response: &Value) -> Checked {
        let id = string(response, "id")?;
        string(response, "model")?;
        ensure(
            *self.id.get_or_insert_with(|| id.clone()) == id,
            "two responses in one stream",
        )
    }

    fn begin(&mut self, data: &Value) -> Checked {
        ensure(
            number(data, "output_index")? == self.items.len(),
            "a gap in the numbers of items",
        )?;
        let item = &data["item"];
        for (member, is_there) in [
            ("content", item["content"].as_array().map(Vec::is_empty)),
            ("arguments", item["arguments"].as_str().map(str::is_empty)),
            ("input", item["input"].as_str().map(str::is_empty)),
        ] {
            let rule = format!("an item that begins with its {member}");
            ensure(is_there != Some(false), &rule)?;
        }
        self.items.push(Item {
            id: maybe(item, "id")?,
            kind: string(item, "type")?,
            parts: Vec::new(),
            summary: Vec::new(),
            input: None,
            done: None,
        });
        Ok(())
    }

    fn last(&mut self, response: &Value) -> Checked {
        self.is_this(response)?;
        let mut view = whole(response)?;
        if view.error.is_none() {
            let is_open = |item: &&Item| item.done.is_none();
            let open = self.items.iter().filter(is_open);
            view.unfinished = open.clone().count();
            ensure(
                open.clone().all(|item| item.kind != "message"),
                "a message that is not done",
            )?;
            let done = self.items.iter().filter_map(|item| item.done.as_ref());
            ensure(
                done.eq(list(response, "output")?),
                "the response does not say what its items have said",
            )?;
        }
        self.end = Some(view);
        Ok(())
    }
}

impl Item {
    fn event(&mut self, kind: &str, data: &Value) -> Checked {
        if let Some(id) = maybe(data, "item_id")? {
            ensure(self.id.as_ref() == Some(&id), "the id of another item")?;
        }
        match kind {
            "response.content_part.added" => begin(&mut self.parts, data, "content_index"),
            "response.reasoning_summary_part.added" => {
                begin(&mut self.summary, data, "summary_index")
            }
            "response.output_text.delta"
            | "response.refusal.delta"
            | "response.reasoning_text.delta" => self.part(data)?.more(data),
            "response.reasoning_summary_text.delta" => self.summary(data)?.more(data),
            "response.output_text.done" | "response.reasoning_text.done" => {
                self.part(data)?.said(data, "text")
            }
            "response.refusal.done" => self.part(data)?.said(data, "refusal"),
            "response.reasoning_summary_text.done" => self.summary(data)?.said(data, "text"),
            "response.content_part.done" => self.part(data)?.done(&data["part"]),
            "response.reasoning_summary_part.done" => self.summary(data)?.done(&data["part"]),
            "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta" => {
                let more = string(data, "delta")?;
                self.input.get_or_insert_default().push_str(&more);
                Ok(())
            }
            "response.function_call_arguments.done" => self.said_input(data, "arguments"),
            "response.custom_tool_call_input.done" => self.said_input(data, "input"),
            "response.output_item.done" => self.end(&data["item"]),
            _ => Ok(()),
        }
    }

    fn part(&mut self, data: &Value) -> Checked<&mut Part> {
        open(&mut self.parts, data, "content_index")
    }

    fn summary(&mut self, data: &Value) -> Checked<&mut Part> {
        open(&mut self.summary, data, "summary_index")
    }

    fn said_input(&mut self, data: &Value, member: &str) -> Checked {
        let whole = string(data, member)?;
        ensure(
            *self.input.get_or_insert_with(|| whole.clone()) == whole,
            "arguments that are others in the end",
        )
    }

    fn end(&mut self, item: &Value) -> Checked {
        ensure(
            is_str(item, "type", &self.kind) && maybe(item, "id")? == self.id,
            "an item that is another in the end",
        )?;
        for (parts, name) in [(&self.parts, "content"), (&self.summary, "summary")] {
            let whole = item[name].as_array().map(Vec::as_slice).unwrap_or_default();
            // A summary may come in one piece.
            if self.kind != "message" && parts.is_empty() {
                continue;
            }
            let texts: Checked<Vec<_>> = whole.iter().map(text).collect();
            let said: Vec<_> = parts.iter().map(|part| part.text.clone()).collect();
            ensure(
                texts? == said,
                "an item that says something else in the end",
            )?;
            ensure(
                parts.iter().all(|part| part.is_done),
                "a part that is not done",
            )?;
        }
        for member in ["arguments", "input"] {
            if item.get(member).is_some_and(Value::is_string) {
                self.said_input(item, member)?;
            }
        }
        block(item)?;
        self.done = Some(item.clone());
        Ok(())
    }
}

impl Part {
    fn more(&mut self, data: &Value) -> Checked {
        ensure(!self.is_said, "more of a part that has been said")?;
        self.text.push_str(&string(data, "delta")?);
        Ok(())
    }

    fn said(&mut self, data: &Value, member: &str) -> Checked {
        self.is_said = true;
        ensure(
            string(data, member)? == self.text,
            "a text that is another in the end",
        )
    }

    fn done(&mut self, part: &Value) -> Checked {
        self.is_said = true;
        self.is_done = true;
        ensure(
            text(part)? == self.text,
            "a part that is another in the end",
        )
    }
}

fn begin(parts: &mut Vec<Part>, data: &Value, index: &str) -> Checked {
    ensure(
        number(data, index)? == parts.len(),
        "a gap in the numbers of parts",
    )?;
    ensure(
        text(&data["part"])?.is_empty(),
        "a part that begins with its text",
    )?;
    parts.push(Part::default());
    Ok(())
}

fn open<'a>(parts: &'a mut [Part], data: &Value, index: &str) -> Checked<&'a mut Part> {
    let part = parts.get_mut(number(data, index)?);
    part.filter(|part| !part.is_done)
        .ok_or_else(|| "it speaks of a part that is not open".to_owned())
}

/// What a part says.
fn text(part: &Value) -> Checked<String> {
    string(
        part,
        if is_str(part, "type", "refusal") {
            "refusal"
        } else {
            "text"
        },
    )
}

pub(super) fn whole(response: &Value) -> Checked<View> {
    let mut view = View::default();
    if let Some(error) = response.get("error").filter(|error| !error.is_null()) {
        view.error = Some(error_kind(error));
        return Ok(view);
    }
    string(response, "id")?;
    string(response, "model")?;
    for item in list(response, "output")? {
        view.blocks.extend(block(item)?);
    }
    let status = string(response, "status")?;
    let detail = maybe(&response["incomplete_details"], "reason")?;
    ensure(
        ["completed", "incomplete"].contains(&status.as_str()),
        "a response that is not over",
    )?;
    ensure(
        status == "completed" || detail.is_some(),
        "a response that is incomplete without a reason",
    )?;
    view.stops.insert(0, detail.unwrap_or(status));
    let texts = view
        .blocks
        .iter()
        .filter(|block| block.kind == BlockKind::Text);
    if let Some(all) = maybe(response, "output_text")? {
        let texts: String = texts.map(|block| block.text.as_str()).collect();
        ensure(all == texts, "a text that is not that of the items")?;
    }
    Ok(view)
}

/// The blocks that a whole item is: of a message, its parts.
fn block(item: &Value) -> Checked<Vec<ViewBlock>> {
    let kind = string(item, "type")?;
    if kind == "message" {
        ensure(is_str(item, "role", "assistant"), "no assistant")?;
        let part = |part: &Value| {
            let kind = match string(part, "type")?.as_str() {
                "output_text" => BlockKind::Text,
                "refusal" => BlockKind::Refusal,
                _ => return Ok(ViewBlock::new(0, BlockKind::Unknown)),
            };
            Ok(ViewBlock::text(0, kind, text(part)?))
        };
        return list(item, "content")?.iter().map(part).collect();
    }
    if kind == "reasoning" {
        let texts = |name: &str| -> Checked<String> {
            let parts = item[name].as_array().map(Vec::as_slice);
            parts.unwrap_or_default().iter().map(text).collect()
        };
        let said = [texts("summary")?, texts("content")?];
        let text = said.into_iter().find(|text| !text.is_empty());
        let text = text.unwrap_or_default();
        return Ok(vec![ViewBlock::text(0, BlockKind::Thinking, text)]);
    }
    let members = ["arguments", "input", "action", "operation"];
    let input = members.into_iter().find_map(|name| item.get(name));
    let input = match input {
        Some(Value::String(text)) => text.clone(),
        Some(json) => json.to_string(),
        None => String::new(),
    };
    let is_call = match kind.as_str() {
        "function_call" | "custom_tool_call" => {
            string(item, "name")?;
            true
        }
        "local_shell_call" | "shell_call" | "computer_call" | "apply_patch_call" => true,
        kind => {
            let is_named = item.get("name").is_some()
                && (item.get("arguments").is_some() || item.get("input").is_some());
            is_named && !kind.starts_with("mcp_")
        }
    };
    if !is_call {
        return Ok(vec![ViewBlock {
            name: maybe(item, "name")?,
            ..ViewBlock::new(0, BlockKind::ServerTool)
        }]);
    }
    Ok(vec![ViewBlock {
        id: Some(string(item, "call_id")?),
        name: maybe(item, "name")?.or(Some(kind)),
        input,
        ..ViewBlock::new(0, BlockKind::ToolCall)
    }])
}
