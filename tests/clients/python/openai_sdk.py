"""Does with the OpenAI SDK what it is told (told.py), and says what it saw."""

import openai
from told import do, plain, say


def api(client, name):
    return {"chat": client.chat.completions, "responses": client.responses}[name]


def create(client, of, body):
    return {"reply": plain(api(client, of).create(**body))}


def events(client, of, body):
    for event in api(client, of).create(stream=True, **body):
        say(event=plain(event))
    return {"ended": True}


def stream(client, of, body):
    """By the helper that puts the reply together."""
    with api(client, of).stream(**body) as stream:
        for _ in stream:
            pass
        reply = stream.get_final_completion() if of == "chat" else stream.get_final_response()
    return {"reply": plain(reply)}


def abort(client, of, body):
    with api(client, of).create(stream=True, **body) as events:
        return {"first": plain(next(iter(events)))}


def loop_chat(client, body, results):
    """A turn with tools: calls are answered until there are none."""
    body = dict(body, messages=list(body["messages"]))
    while True:
        message = client.chat.completions.create(**body).choices[0].message
        if not message.tool_calls:
            return {"text": message.content}
        body["messages"].append(message)
        for call in message.tool_calls:
            answer = results[call.function.name]
            body["messages"].append({"role": "tool", "tool_call_id": call.id, "content": answer})


def loop_responses(client, body, results):
    body = dict(body, input=list(body["input"]))
    while True:
        response = client.responses.create(**body)
        calls = [item for item in response.output if item.type == "function_call"]
        if not calls:
            return {"text": response.output_text}
        body["input"] += response.output
        body["input"] += [
            {"type": "function_call_output", "call_id": call.call_id, "output": results[call.name]}
            for call in calls
        ]


def embed(client, body):
    return {"vectors": [item.embedding for item in client.embeddings.create(**body).data]}


do(
    openai.OpenAI,
    openai.DefaultHttpxClient,
    create,
    events,
    stream,
    abort,
    loop_chat,
    loop_responses,
    embed,
)
