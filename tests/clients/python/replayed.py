"""Shows recorded replies to an official SDK, and says what it makes of them.

The argument is the vendor: anthropic or openai. Each line of standard input is a reply:
{"id", "dialect", "stream", "status", "content_type", "broken", "body_base64"}. `stream` tells what was asked for. Each line of
standard output is what the SDK makes of it, in every way in which it can be read:
{"id", "ways": {way: {"tool_calls": [{"name", "arguments"}], "text", "error"}}}.
"""

import base64
import importlib
import json
import sys
import warnings

import httpx2

# Replies that are not what they should be are the point.
warnings.simplefilter("ignore")

BODY = {
    "anthropic": {"model": "m", "max_tokens": 100, "messages": [{"role": "user", "content": "Go on."}]},
    "chat": {"model": "m", "messages": [{"role": "user", "content": "Go on."}]},
    "responses": {"model": "m", "input": "Go on."},
}


class Body(httpx2.SyncByteStream):
    def __init__(self, told):
        self.bytes = base64.b64decode(told["body_base64"])
        self.broken = told["broken"]

    def __iter__(self):
        for at in range(0, len(self.bytes), 700):
            yield self.bytes[at : at + 700]
        if self.broken:
            raise httpx2.ReadError("the transfer broke")


class Replay(httpx2.BaseTransport):
    """Answers every request with the reply at hand."""

    told = None

    def handle_request(self, request):
        told = self.told
        headers = [] if told["content_type"] is None else [("content-type", told["content_type"])]
        return httpx2.Response(told["status"], headers=headers, stream=Body(told), request=request)


def plain(value):
    dump = getattr(value, "model_dump", None)
    return dump(mode="json", warnings=False) if dump else value


def members(value):
    """What one may loop over, in whatever the SDK has made of it."""
    if isinstance(value, list):
        return value
    return [value] if isinstance(value, dict) else []


def get(value, *names):
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


class Seen:
    """What has been seen so far: also of a reply that fails later."""

    def __init__(self):
        self.calls = {}
        self.text = ""
        self.error = None

    def call(self, key, name=None, arguments=None):
        call = self.calls.setdefault(str(key), {"name": "", "arguments": ""})
        if isinstance(name, str):
            call["name"] += name
        if arguments is not None:
            more = arguments if isinstance(arguments, str) else json.dumps(arguments)
            call["arguments"] += more

    def say(self, text):
        if isinstance(text, str):
            self.text += text

    def said(self):
        return {"tool_calls": list(self.calls.values()), "text": self.text, "error": self.error}


def message(seen, value):
    if isinstance(value, str):
        seen.say(value)
    for place, block in enumerate(members(get(value, "content"))):
        if get(block, "type") == "tool_use" or (get(block, "name") and get(block, "input") is not None):
            seen.call((place, "whole"), get(block, "name") or "", get(block, "input"))
        seen.say(get(block, "text"))


def message_event(seen, event):
    kind, index = get(event, "type"), get(event, "index")
    if kind == "message_start":
        message(seen, get(event, "message"))
    elif kind == "content_block_start":
        block = get(event, "content_block")
        if get(block, "type") == "tool_use" or (get(block, "name") and get(block, "input") is not None):
            seen.call(index, get(block, "name") or "", get(block, "input") or None)
        seen.say(get(block, "text"))
    elif kind == "content_block_delta":
        piece = get(event, "delta", "partial_json")
        if piece is not None:
            seen.call(index, None, piece)
        seen.say(get(event, "delta", "text"))


def anthropic_ways(client):
    def whole(seen, body):
        message(seen, plain(client.messages.create(**body)))

    def beta_whole(seen, body):
        message(seen, plain(client.beta.messages.create(**body)))

    def events(seen, body):
        for event in client.messages.create(stream=True, **body):
            message_event(seen, plain(event))

    def helper_of(messages):
        def helper(seen, body):
            with messages.stream(**body) as stream:
                try:
                    for _ in stream:
                        pass
                finally:
                    try:
                        snapshot = stream.current_message_snapshot
                    except AssertionError:
                        snapshot = None
                    if snapshot is not None:
                        message(seen, plain(snapshot))
                stream.get_final_message()

        return helper

    return {
        "anthropic": {
            True: {"events": events, "helper": helper_of(client.messages), "beta helper": helper_of(client.beta.messages)},
            False: {"whole": whole, "beta whole": beta_whole},
        }
    }


def chat_calls(seen, choice, holder, place):
    for position, call in enumerate(members(get(holder, "tool_calls"))):
        index = get(call, "index")
        key = (choice, position if index is None else index, place)
        for inner in [get(call, "function"), get(call, "custom")]:
            if inner is not None:
                seen.call(key, get(inner, "name"), get(inner, "arguments") if get(inner, "arguments") is not None else get(inner, "input"))
        if get(call, "function") is None and get(call, "custom") is None:
            seen.call(key, get(call, "name"), get(call, "arguments"))
    legacy = get(holder, "function_call")
    if legacy is not None:
        seen.call((choice, "legacy", place), get(legacy, "name"), get(legacy, "arguments"))
    seen.say(get(holder, "content"))


def completion(seen, value):
    if isinstance(value, str):
        seen.say(value)
    for position, choice in enumerate(members(get(value, "choices"))):
        for holder in ["message", "delta"]:
            chat_calls(seen, position, get(choice, holder), holder)


def chunk(seen, value):
    for position, choice in enumerate(members(get(value, "choices"))):
        index = get(choice, "index")
        for holder in ["message", "delta"]:
            chat_calls(seen, position if index is None else index, get(choice, holder), holder)


def item(seen, key, value):
    for place, part in enumerate(members(get(value, "content"))):
        item(seen, (key, place), part)
        seen.say(get(part, "text"))
    for name in ["arguments", "input", "action", "operation"]:
        if get(value, name) is not None:
            seen.call((key, name, len(seen.calls)), get(value, "name") or "", get(value, name))


def response(seen, value):
    if isinstance(value, str):
        seen.say(value)
    for place, found in enumerate(members(get(value, "output"))):
        item(seen, ("output", place), found)


def response_event(seen, event):
    kind, index = get(event, "type"), get(event, "output_index")
    if kind in ("error", "response.failed"):
        seen.error = f"the event {kind}"
    if kind in ("response.function_call_arguments.delta", "response.custom_tool_call_input.delta"):
        seen.call(index, None, get(event, "delta"))
    elif kind in ("response.function_call_arguments.done", "response.custom_tool_call_input.done"):
        seen.call((index, "done"), get(event, "name"), get(event, "arguments") or get(event, "input"))
    for name in ["item", "part"]:
        if get(event, name) is not None:
            item(seen, (index, kind), get(event, name))
    response(seen, get(event, "response"))


def openai_ways(client):
    def chat_whole(seen, body):
        completion(seen, plain(client.chat.completions.create(**body)))

    def chat_events(seen, body):
        for event in client.chat.completions.create(stream=True, **body):
            chunk(seen, plain(event))

    def chat_helper(seen, body):
        with client.chat.completions.stream(**body) as stream:
            try:
                for _ in stream:
                    pass
            finally:
                try:
                    snapshot = stream.current_completion_snapshot
                except AssertionError:
                    snapshot = None
                if snapshot is not None:
                    completion(seen, plain(snapshot))
            stream.get_final_completion()

    def responses_whole(seen, body):
        response(seen, plain(client.responses.create(**body)))

    def responses_events(seen, body):
        for event in client.responses.create(stream=True, **body):
            response_event(seen, plain(event))

    def responses_helper(seen, body):
        with client.responses.stream(**body) as stream:
            for event in stream:
                kind = getattr(event, "type", None)
                if kind in ("error", "response.failed"):
                    seen.error = f"the event {kind}"
            response(seen, plain(stream.get_final_response()))

    return {
        "chat": {True: {"events": chat_events, "helper": chat_helper}, False: {"whole": chat_whole}},
        "responses": {
            True: {"events": responses_events, "helper": responses_helper},
            False: {"whole": responses_whole},
        },
    }


def main():
    vendor = sys.argv[1]
    sdk = importlib.import_module(vendor)
    replay = Replay()
    options = {"api_key": "k", "base_url": "http://replayed.invalid", "max_retries": 0}
    http_client = sdk.DefaultHttpxClient(transport=replay)
    if vendor == "anthropic":
        ways = anthropic_ways(sdk.Anthropic(http_client=http_client, **options))
    else:
        ways = openai_ways(sdk.OpenAI(http_client=http_client, **options))
    for line in sys.stdin:
        replay.told = told = json.loads(line)
        said = {}
        for name, way in ways[told["dialect"]][told["stream"]].items():
            seen = Seen()
            try:
                way(seen, BODY[told["dialect"]])
            except Exception as error:  # noqa: BLE001: whatever it is, it is what a user of the SDK would see
                seen.error = f"{type(error).__name__}: {error}"
            said[name] = seen.said()
        print(json.dumps({"id": told["id"], "ways": said}), flush=True)


main()
