// What the scripts of the SDKs have in common: they do what they are told, and say what they saw.
//
// The arguments are the folder of the installed clients and a file with a JSON list of calls. Every request that is
// sent, every result and every exception is a line of JSON.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [folder, calls] = process.argv.slice(2);

export const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

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

const COMMON = {
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
    code: error.code,
    request_id: error.requestID,
    headers: error.headers && Object.fromEntries(error.headers),
  };
}

// Makes the calls of the file, each with a client of its own from this package. These are known besides the common ones.
export async function doWith(name, own) {
  const { default: Client } = createRequire(`${folder}/`)(name);
  const known = { ...own, ...COMMON };
  for (const { do: call, retries = 0, ...told } of JSON.parse(readFileSync(calls))) {
    const client = new Client({ maxRetries: retries, fetch: sending });
    try {
      say({ result: await known[call](client, told) });
    } catch (error) {
      say({ raised: raised(error) });
    }
  }
}
