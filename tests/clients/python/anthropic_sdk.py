"""Does with the Anthropic SDK what it is told, and says what it saw.

The argument is a file with a JSON list of calls. Every request that is sent, every result and every exception is a line of JSON.
"""

import hashlib
import json
import sys

import anthropic


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


def plain(message):
    return message.model_dump(mode="json", exclude_unset=True)


def create(client, body):
    return {"message": plain(client.messages.create(**body))}


def beta(client, body):
    return {"message": plain(client.beta.messages.create(**body))}


def stream(client, body):
    with client.messages.stream(**body) as events:
        kinds = [event.type for event in events]
        return {"events": kinds, "message": plain(events.get_final_message())}


def events(client, body):
    """Without the helper: every event is said at once."""
    for event in client.messages.create(stream=True, **body):
        say(event=plain(event))
    return {"ended": True}


def abort(client, body):
    with client.messages.create(stream=True, **body) as events:
        first = next(iter(events))
        return {"first": first.type}


def loop(client, body, results):
    """A turn with tools: calls are answered until there are none."""
    body = dict(body, messages=list(body["messages"]))
    while True:
        message = client.messages.create(**body)
        calls = [block for block in message.content if block.type == "tool_use"]
        if not calls:
            return {"message": plain(message)}
        say(calls=[{"id": call.id, "name": call.name, "input": call.input} for call in calls])
        answers = [
            {"type": "tool_result", "tool_use_id": call.id, "content": results[call.name]}
            for call in calls
        ]
        body["messages"] += [
            {"role": "assistant", "content": message.content},
            {"role": "user", "content": answers},
        ]


def count_tokens(client, body):
    return {"count": plain(client.messages.count_tokens(**body))}


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
        "request_id": getattr(error, "request_id", None),
        "headers": dict(response.headers) if response is not None else None,
    }


CALLS = {
    call.__name__: call
    for call in [create, beta, stream, events, abort, loop, count_tokens, models, get]
}

with open(sys.argv[1], encoding="utf-8") as file:
    told_all = json.load(file)

for told in told_all:
    call = CALLS[told.pop("do")]
    hooks = anthropic.DefaultHttpxClient(event_hooks={"request": [sent]})
    with anthropic.Anthropic(max_retries=told.pop("retries", 0), http_client=hooks) as client:
        try:
            say(result=call(client, **told))
        except Exception as error:
            say(raised=raised(error))
