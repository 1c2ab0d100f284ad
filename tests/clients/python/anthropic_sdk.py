"""Does with the Anthropic SDK what it is told (told.py), and says what it saw."""

import anthropic
from told import do, plain, say


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


do(
    anthropic.Anthropic,
    anthropic.DefaultHttpxClient,
    create,
    beta,
    stream,
    events,
    abort,
    loop,
    count_tokens,
)
