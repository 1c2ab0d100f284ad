// Does with the Anthropic SDK what it is told (told.mjs), and says what it saw.

import { doWith, say } from "./told.mjs";

await doWith("@anthropic-ai/sdk", {
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
});
