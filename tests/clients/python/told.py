"""What the scripts of the SDKs have in common: they do what they are told, and say what they saw.

The argument is a file with a JSON list of calls. Every request that is sent, every result and every exception is a line of JSON.
"""

import hashlib
import json
import sys


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


def do(new_client, http_client, *calls):
    """Makes the calls of the file, each with a client of its own. These are known besides the common ones."""
    known = {call.__name__: call for call in [*calls, models, get]}
    with open(sys.argv[1], encoding="utf-8") as file:
        told_all = json.load(file)
    for told in told_all:
        call = known[told.pop("do")]
        hooks = http_client(event_hooks={"request": [sent]})
        with new_client(max_retries=told.pop("retries", 0), http_client=hooks) as client:
            try:
                say(result=call(client, **told))
            except Exception as error:
                say(raised=raised(error))
