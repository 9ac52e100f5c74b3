"""A server on loopback that speaks the OpenAI-compatible protocol, for programs that run outside this process."""

import contextlib
import http.server
import json
import threading
import time


@contextlib.contextmanager
def model_server(*replies, sub=str.upper, root_seconds=0.0, sub_seconds=0.0):
    """Its base_url. Root calls get the next of `replies`: a text, or (status, body); sub-calls get `sub(prompt)`."""
    waiting = list(replies)

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

        def do_GET(self):
            listed = self.path == "/v1/models"
            self.answer(200 if listed else 404, {"data": [{"id": "fake"}]} if listed else {})

        def do_POST(self):
            messages = json.loads(self.rfile.read(int(self.headers["content-length"])))["messages"]
            is_root = messages[0]["role"] == "system"
            time.sleep(root_seconds if is_root else sub_seconds)
            reply = waiting.pop(0) if is_root else sub(messages[0]["content"])
            if isinstance(reply, str):
                choice = {"message": {"content": reply}, "finish_reason": "stop"}
                reply = 200, {"choices": [choice], "usage": {"prompt_tokens": 10, "completion_tokens": 5}}
            self.answer(*reply)

        def answer(self, status, body):
            content = json.dumps(body).encode()
            with contextlib.suppress(ConnectionError):
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
