use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use luthien_core::{
    Dialect,
    facts::Repairs,
    json::{Edits, Json},
    reject::{Rejection, RejectionKind},
    request::{LlmBody, LlmRequest, ToolLink},
};

/// Which mistakes of a client to repair, only where the provider would refuse the request for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repair {
    /// A tool definition that stands there twice (`tools: Tool names must be unique`): the first one stays. Anthropic
    /// only.
    pub duplicate_tools: bool,
    /// A tool result whose call is nowhere before it (`unexpected tool_use_id found in tool_result blocks`), as
    /// compaction leaves behind: it goes. Anthropic only.
    pub orphan_tool_results: bool,
}

impl Default for Repair {
    /// Both.
    fn default() -> Self {
        Self {
            duplicate_tools: true,
            orphan_tool_results: true,
        }
    }
}

/// Repairs the call in `body`, if there is one and it needs it.
pub(super) fn repair(body: &mut LlmBody, repair: Repair) -> Result<Repairs, Rejection> {
    let mut repairs = Repairs::default();
    let Some(call) = body.call() else {
        return Ok(repairs);
    };
    let anthropic = call.dialect() == Dialect::Anthropic;
    let twice = duplicate_tools(call)?;
    let twice = if anthropic && repair.duplicate_tools {
        twice
    } else {
        HashSet::new()
    };
    let orphans = if anthropic && repair.orphan_tool_results {
        orphan_results(call)
    } else {
        Vec::new()
    };
    if twice.is_empty() && orphans.is_empty() {
        return Ok(repairs);
    }
    body.edit(|call, edits| {
        if let Some(tools) = call.root().get("tools").filter(|_| !twice.is_empty()) {
            edits.remove_items(tools, |index, _| twice.contains(&index));
            repairs.duplicate_tools = twice.len();
        }
        repairs.orphan_tool_results = remove_results(call, &orphans, edits);
    })?;
    Ok(repairs)
}

/// The places of tools that repeat an earlier one. Refuses two different tools of one name.
fn duplicate_tools(call: &LlmRequest) -> Result<HashSet<usize>, Rejection> {
    let mut twice = HashSet::new();
    if call.shape().tools < 2 {
        return Ok(twice);
    }
    let mut first: HashMap<Cow<'_, str>, Json<'_>> = HashMap::with_capacity(call.shape().tools);
    for (index, tool) in call.tools().enumerate() {
        let Some(name) = tool.name else { continue };
        let earlier = *first.entry(name.decode()).or_insert(tool.json);
        if earlier.span() == tool.json.span() {
            continue;
        }
        if !same_definition(earlier, tool.json) {
            let message = format!(
                "tools: tool names must be unique, and {:?} stands there twice",
                name.decode()
            );
            return Err(Rejection::new(RejectionKind::InvalidRequest, message)
                .with_code("duplicate_tool_name"));
        }
        twice.insert(index);
    }
    Ok(twice)
}

/// Equal but for a cache mark and the order of members.
fn same_definition(a: Json<'_>, b: Json<'_>) -> bool {
    let contained = |a: Json<'_>, b: Json<'_>| {
        a.members()
            .filter(|(key, _)| !key.is("cache_control"))
            .all(|(key, value)| {
                b.get(&key.decode())
                    .is_some_and(|other| other.text() == value.text())
            })
    };
    a.text() == b.text() || (contained(a, b) && contained(b, a))
}

/// For each message with orphans: its place, and the places of the orphans in it.
fn orphan_results(call: &LlmRequest) -> Vec<(usize, HashSet<usize>)> {
    let mut orphans: Vec<(usize, HashSet<usize>)> = Vec::new();
    // Nearly every result answers a call of the last message that has any; only if not, all others are looked at, once.
    let mut last_calls: Vec<ToolLink<'_>> = Vec::new();
    let mut all_calls: Option<HashMap<Cow<'_, str>, usize>> = None;
    for link in call.tool_links() {
        if !link.is_result {
            last_calls.retain(|earlier| earlier.message == link.message);
            last_calls.push(link);
            continue;
        }
        if last_calls.iter().any(|call| call.id.raw() == link.id.raw()) {
            continue;
        }
        let calls = all_calls.get_or_insert_with(|| calls_by_place(call));
        let called = calls.get(&link.id.decode());
        if called.is_some_and(|called| *called <= link.message) {
            continue;
        }
        match orphans
            .last_mut()
            .filter(|(place, _)| *place == link.message)
        {
            Some((_, blocks)) => {
                blocks.insert(link.block);
            }
            None => orphans.push((link.message, HashSet::from([link.block]))),
        }
    }
    orphans
}

/// Every call, by id, and the first message it stands in.
fn calls_by_place(call: &LlmRequest) -> HashMap<Cow<'_, str>, usize> {
    let mut calls = HashMap::new();
    for link in call.tool_links().iter().filter(|link| !link.is_result) {
        calls.entry(link.id.decode()).or_insert(link.message);
    }
    calls
}

/// Removes the orphans; a message of which nothing is left goes with them. Answers how many there were. Leaves all as
/// it is if no message would be left.
fn remove_results(
    call: &LlmRequest,
    orphans: &[(usize, HashSet<usize>)],
    edits: &mut Edits,
) -> usize {
    let Some(messages) = call.root().get("messages") else {
        return 0;
    };
    let all: Vec<_> = messages.items().collect();
    let content = |place: usize| all.get(place).and_then(|message| message.get("content"));
    let whole: HashSet<usize> = orphans
        .iter()
        .filter(|(place, blocks)| {
            content(*place).is_some_and(|content| content.items().count() == blocks.len())
        })
        .map(|(place, _)| *place)
        .collect();
    if whole.len() == all.len() {
        return 0;
    }
    edits.remove_items(messages, |place, _| whole.contains(&place));
    for (place, blocks) in orphans.iter().filter(|(place, _)| !whole.contains(place)) {
        if let Some(content) = content(*place) {
            edits.remove_items(content, |index, _| blocks.contains(&index));
        }
    }
    orphans.iter().map(|(_, blocks)| blocks.len()).sum()
}
