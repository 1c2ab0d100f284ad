"""Does with the OpenAI SDK what it is told, and says what it saw.

The argument is a file with a JSON list of calls. Every request that is sent, every result and every exception is a line of JSON.
"""

import hashlib
import json
import sys

import openai


def say(**line):
    print(json.dumps(line), flush=True)


def sent(request):
    say(
        sent={
            "method": request.method,
            "target": request.url.raw_path.decode(),
            "headers": list(request.headers.multi_items()),
            "sha256": hashlib.sha256(request.read()).hexdigest(),
        }
    )


def plain(model):
    return model.model_dump(mode="json", exclude_unset=True)


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


def models(client):
    return {"models": [model.id for model in client.models.list()]}


def get(client, path):
    return {"got": client.get(path, cast_to=object)}


def raised(error):
    response = getattr(error, "response", None)
    return {
        "class": type(error).__name__,
        "message": str(error),
        "status": getattr(error, "status_code", None),
        "type": getattr(error, "type", None),
        "code": getattr(error, "code", None),
        "request_id": getattr(error, "request_id", None),
        "headers": dict(response.headers) if response is not None else None,
    }


CALLS = {
    call.__name__: call
    for call in [create, events, stream, abort, loop_chat, loop_responses, embed, models, get]
}

with open(sys.argv[1], encoding="utf-8") as file:
    told_all = json.load(file)

for told in told_all:
    call = CALLS[told.pop("do")]
    hooks = openai.DefaultHttpxClient(event_hooks={"request": [sent]})
    with openai.OpenAI(max_retries=told.pop("retries", 0), http_client=hooks) as client:
        try:
            say(result=call(client, **told))
        except Exception as error:
            say(raised=raised(error))
