// Shows recorded replies to an official SDK, and says what it makes of them: as python/replayed.py does.
//
// The arguments are the folder of the installed clients and the vendor: anthropic or openai.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const [folder, vendor] = process.argv.slice(2);
const packages = { anthropic: "@anthropic-ai/sdk", openai: "openai" };
const { default: Client } = createRequire(`${folder}/`)(packages[vendor]);

const BODY = {
  anthropic: { model: "m", max_tokens: 100, messages: [{ role: "user", content: "Go on." }] },
  chat: { model: "m", messages: [{ role: "user", content: "Go on." }] },
  responses: { model: "m", input: "Go on." },
};

let told;

async function replay() {
  const bytes = Buffer.from(told.body_base64, "base64");
  const pieces = [];
  for (let at = 0; at < bytes.length; at += 700) pieces.push(bytes.subarray(at, at + 700));
  const body = new ReadableStream({
    pull(controller) {
      const piece = pieces.shift();
      if (piece !== undefined) controller.enqueue(new Uint8Array(piece));
      else if (told.broken) controller.error(new TypeError("terminated"));
      else controller.close();
    },
  });
  const headers = told.content_type === null ? {} : { "content-type": told.content_type };
  return new Response(body, { status: told.status, headers });
}

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const client = new Client({
  apiKey: "k",
  baseURL: "http://replayed.invalid",
  maxRetries: 0,
  fetch: replay,
  logger: quiet,
});

// What one may loop over, in whatever the SDK has made of it.
const members = (value) => (Array.isArray(value) ? value : value && typeof value === "object" ? [value] : []);

// What has been seen so far: also of a reply that fails later.
class Seen {
  calls = new Map();
  text = "";
  error = null;

  call(key, name, args) {
    const known = JSON.stringify(key);
    if (!this.calls.has(known)) this.calls.set(known, { name: "", arguments: "" });
    const call = this.calls.get(known);
    if (typeof name === "string") call.name += name;
    if (args !== undefined && args !== null) call.arguments += typeof args === "string" ? args : JSON.stringify(args);
  }

  say(text) {
    if (typeof text === "string") this.text += text;
  }

  said() {
    return { tool_calls: [...this.calls.values()], text: this.text, error: this.error };
  }
}

const isUse = (block) => block?.type === "tool_use" || (block?.name && block?.input !== undefined);

function message(seen, value) {
  seen.say(value);
  members(value?.content).forEach((block, place) => {
    if (isUse(block)) seen.call([place, "whole"], block.name ?? "", block.input);
    seen.say(block?.text);
  });
}

function messageEvent(seen, event) {
  if (event?.type === "message_start") message(seen, event.message);
  if (event?.type === "content_block_start") {
    const block = event.content_block;
    const given = block?.input && Object.keys(block.input).length > 0 ? block.input : undefined;
    if (isUse(block)) seen.call(event.index, block.name ?? "", given);
    seen.say(block?.text);
  }
  if (event?.type === "content_block_delta") {
    if (event.delta?.partial_json !== undefined) seen.call(event.index, undefined, event.delta.partial_json);
    seen.say(event.delta?.text);
  }
}

function chatCalls(seen, choice, holder, place) {
  members(holder?.tool_calls).forEach((call, position) => {
    const key = [choice, call?.index ?? position, place];
    const inner = [call?.function, call?.custom].filter((inner) => inner !== undefined && inner !== null);
    for (const found of inner) seen.call(key, found.name, found.arguments ?? found.input);
    if (inner.length === 0) seen.call(key, call?.name, call?.arguments);
  });
  if (holder?.function_call) {
    seen.call([choice, "legacy", place], holder.function_call.name, holder.function_call.arguments);
  }
  seen.say(holder?.content);
}

function completion(seen, value) {
  seen.say(value);
  members(value?.choices).forEach((choice, position) => {
    for (const holder of ["message", "delta"]) chatCalls(seen, position, choice?.[holder], holder);
  });
}

function chunk(seen, value) {
  members(value?.choices).forEach((choice, position) => {
    for (const holder of ["message", "delta"]) chatCalls(seen, choice?.index ?? position, choice?.[holder], holder);
  });
}

function item(seen, key, value) {
  members(value?.content).forEach((part, place) => {
    item(seen, [key, place], part);
    seen.say(part?.text);
  });
  for (const name of ["arguments", "input", "action", "operation"]) {
    if (value?.[name] !== undefined && value[name] !== null) {
      seen.call([key, name, seen.calls.size], value.name ?? "", value[name]);
    }
  }
}

function response(seen, value) {
  seen.say(value);
  members(value?.output).forEach((found, place) => item(seen, ["output", place], found));
}

function responseEvent(seen, event) {
  const kind = event?.type;
  if (kind === "error" || kind === "response.failed") seen.error = `the event ${kind}`;
  if (kind === "response.function_call_arguments.delta" || kind === "response.custom_tool_call_input.delta") {
    seen.call(event.output_index, undefined, event.delta);
  }
  if (kind === "response.function_call_arguments.done" || kind === "response.custom_tool_call_input.done") {
    seen.call([event.output_index, "done"], event.name, event.arguments ?? event.input);
  }
  for (const name of ["item", "part"]) if (event?.[name]) item(seen, [event.output_index, kind], event[name]);
  response(seen, event?.response);
}

const eventsOf = (create, one) => async (seen, body) => {
  for await (const event of await create({ ...body, stream: true })) one(seen, event);
};

const wholeOf = (create, one) => async (seen, body) => one(seen, await create(body));

const messageHelper = (messages) => async (seen, body) => {
  const stream = messages.stream(body);
  try {
    for await (const _ of stream);
  } finally {
    message(seen, stream.currentMessage ?? stream.receivedMessages?.at(-1));
  }
  await stream.finalMessage();
};

const WAYS = {
  anthropic: {
    true: {
      events: eventsOf((body) => client.messages.create(body), messageEvent),
      helper: messageHelper(client.messages),
      "beta helper": messageHelper(client.beta?.messages),
    },
    false: {
      whole: wholeOf((body) => client.messages.create(body), message),
      "beta whole": wholeOf((body) => client.beta.messages.create(body), message),
    },
  },
  chat: {
    true: {
      events: eventsOf((body) => client.chat.completions.create(body), chunk),
      async helper(seen, body) {
        const stream = client.chat.completions.stream(body);
        try {
          for await (const _ of stream);
        } finally {
          completion(seen, stream.currentChatCompletionSnapshot);
        }
        const last = new Seen();
        completion(last, await stream.finalChatCompletion());
        Object.assign(seen, { calls: last.calls, text: last.text });
      },
    },
    false: { whole: wholeOf((body) => client.chat.completions.create(body), completion) },
  },
  responses: {
    true: {
      events: eventsOf((body) => client.responses.create(body), responseEvent),
      async helper(seen, body) {
        const stream = client.responses.stream(body);
        for await (const event of stream) {
          if (event.type === "error" || event.type === "response.failed") seen.error = `the event ${event.type}`;
        }
        response(seen, await stream.finalResponse());
      },
    },
    false: { whole: wholeOf((body) => client.responses.create(body), response) },
  },
};

// Promises that nobody waits for, inside an SDK, are not what is looked at.
process.on("unhandledRejection", () => {});

for await (const line of createInterface({ input: process.stdin })) {
  told = JSON.parse(line);
  const ways = {};
  for (const [name, way] of Object.entries(WAYS[told.dialect][told.stream])) {
    const seen = new Seen();
    try {
      await way(seen, BODY[told.dialect]);
    } catch (error) {
      seen.error = `${error?.constructor?.name}: ${error?.message}`;
    }
    ways[name] = seen.said();
  }
  process.stdout.write(`${JSON.stringify({ id: told.id, ways })}\n`);
}
