// Does with the OpenAI SDK what it is told (told.mjs), and says what it saw.

import { doWith, say } from "./told.mjs";

const api = (client, name) => ({ chat: client.chat.completions, responses: client.responses })[name];

await doWith("openai", {
  async create(client, { of, body }) {
    return { reply: await api(client, of).create(body) };
  },
  async events(client, { of, body }) {
    for await (const event of await api(client, of).create({ ...body, stream: true })) say({ event });
    return { ended: true };
  },
  // By the helper that puts the reply together.
  async stream(client, { of, body }) {
    const stream = api(client, of).stream(body);
    for await (const _ of stream);
    return { reply: await (of === "chat" ? stream.finalChatCompletion() : stream.finalResponse()) };
  },
  async abort(client, { of, body }) {
    for await (const first of await api(client, of).create({ ...body, stream: true })) return { first };
  },
  // A turn with tools: calls are answered until there are none.
  async loop_chat(client, { body, results }) {
    const messages = [...body.messages];
    for (;;) {
      const { message } = (await client.chat.completions.create({ ...body, messages })).choices[0];
      if (!message.tool_calls) return { text: message.content };
      messages.push(message);
      for (const call of message.tool_calls) {
        messages.push({ role: "tool", tool_call_id: call.id, content: results[call.function.name] });
      }
    }
  },
  async loop_responses(client, { body, results }) {
    const input = [...body.input];
    for (;;) {
      const response = await client.responses.create({ ...body, input });
      const calls = response.output.filter((item) => item.type === "function_call");
      if (calls.length === 0) return { text: response.output_text };
      input.push(...response.output);
      for (const { call_id, name } of calls) {
        input.push({ type: "function_call_output", call_id, output: results[name] });
      }
    }
  },
  async embed(client, { body }) {
    return { vectors: (await client.embeddings.create(body)).data.map((item) => item.embedding) };
  },
});
