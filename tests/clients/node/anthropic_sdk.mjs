// Does with the Anthropic SDK what it is told, and says what it saw.
//
// The arguments are the folder of the installed clients and a file with a JSON list of calls. Every request that is
// sent, every result and every exception is a line of JSON.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [folder, calls] = process.argv.slice(2);
const { default: Anthropic } = createRequire(`${folder}/`)("@anthropic-ai/sdk");

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

async function sending(url, options) {
  const { pathname, search } = new URL(url);
  say({
    sent: {
      method: options.method.toUpperCase(),
      target: pathname + search,
      headers: [...new Headers(options.headers)],
      sha256: createHash("sha256").update(options.body ?? "").digest("hex"),
    },
  });
  return fetch(url, options);
}

const CALLS = {
  async create(client, { body }) {
    return { message: await client.messages.create(body) };
  },
  async beta(client, { body }) {
    return { message: await client.beta.messages.create(body) };
  },
  async stream(client, { body }) {
    const stream = client.messages.stream(body);
    const events = [];
    for await (const event of stream) events.push(event.type);
    return { events, message: await stream.finalMessage() };
  },
  // Without the helper: every event is said at once.
  async events(client, { body }) {
    for await (const event of await client.messages.create({ ...body, stream: true })) say({ event });
    return { ended: true };
  },
  async abort(client, { body }) {
    for await (const event of await client.messages.create({ ...body, stream: true })) {
      return { first: event.type };
    }
  },
  // A turn with tools: calls are answered until there are none.
  async loop(client, { body, results }) {
    const messages = [...body.messages];
    for (;;) {
      const message = await client.messages.create({ ...body, messages });
      const calls = message.content.filter((block) => block.type === "tool_use");
      if (calls.length === 0) return { message };
      say({ calls: calls.map(({ id, name, input }) => ({ id, name, input })) });
      const answers = calls.map((call) => ({
        type: "tool_result",
        tool_use_id: call.id,
        content: results[call.name],
      }));
      messages.push({ role: "assistant", content: message.content }, { role: "user", content: answers });
    }
  },
  async count_tokens(client, { body }) {
    return { count: await client.messages.countTokens(body) };
  },
  async models(client) {
    const models = [];
    for await (const model of client.models.list()) models.push(model.id);
    return { models };
  },
  async get(client, { path }) {
    return { got: await client.get(path) };
  },
};

function raised(error) {
  return {
    class: error.constructor.name,
    message: error.message,
    status: error.status,
    type: error.type,
    request_id: error.requestID,
    headers: error.headers && Object.fromEntries(error.headers),
  };
}

for (const { do: name, retries = 0, ...told } of JSON.parse(readFileSync(calls))) {
  const client = new Anthropic({ maxRetries: retries, fetch: sending });
  try {
    say({ result: await CALLS[name](client, told) });
  } catch (error) {
    say({ raised: raised(error) });
  }
}
