"""A policy in Python, without any library: nobody force-pushes, and nobody deploys on a Friday.

    python3 examples/policy_over_http.py 9000
    luthien policy eval --use 'http={"url":"http://127.0.0.1:9000/","watch":["tool_call"]}' \
        <<< '{"id":"1","tool":"Bash","input":{"command":"git push --force"}}'

The contract is in docs/policy-over-http.md.
"""

import datetime
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LARGEST = 16 << 20


def allow():
    return {"version": 1, "verdict": "allow"}


def block(message, remedy):
    return {"version": 1, "verdict": "block", "message": message, "remedy": remedy}


def judge(question):
    """Says what becomes of a request, a tool call or a text."""
    if question["phase"] != "tool_call":
        return allow()
    tool = question["tool"]
    if tool["name"].lower() != "bash" or not isinstance(tool["input"], dict):
        return allow()
    command = str(tool["input"].get("command", ""))
    if "push" in command and "--force" in command:
        return block("history is not rewritten here", "push without force")
    if "deploy" in command and datetime.date.today().weekday() == 4:
        return block("nobody deploys on a Friday", "ask again on Monday")
    return allow()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        length = int(self.headers.get("content-length", 0))
        if length > LARGEST:
            self.send_error(413)
            return
        question = json.loads(self.rfile.read(length))
        if question["version"] != 1:
            # Another contract: no answer is better than a wrong one.
            self.send_error(400)
            return
        answer = json.dumps(judge(question)).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 9000
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
