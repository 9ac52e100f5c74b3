"""Watches a server that is attacked, from a process of its own: GET /health, a neighbour's query and the memory, again and again.

`python watching.py URL PID`; a line of JSON says that it has begun, another one, when its standard input ends, what it saw.
"""

import contextlib
import http.client
import json
import os
import sys
import threading
import time
import urllib.parse
from pathlib import Path

LONGEST = 120  # seconds that an answer is waited for
HEALTH_PAUSE, NEIGHBOUR_PAUSE, MEMORY_PAUSE = 0.02, 0.1, 0.05
TEXT = "a neighbour's words"
QUERY = {"query": 'PLAY ["```python\\nFINAL(len(context))\\n```"]', "context": TEXT, "cache": False}


class Client:
    """One connection, opened again when the server has closed it."""

    def __init__(self, url, headers):
        self._address = urllib.parse.urlsplit(url).netloc
        self._headers = headers
        self._connection = None

    def ask(self, method, path, body=None):
        """(status, headers, body); a connection that was closed meanwhile is opened again, for a minute at most."""
        end = time.monotonic() + LONGEST
        while True:
            try:
                return self._ask(method, path, body)
            except (http.client.HTTPException, OSError):
                self._connection = None
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)

    def _ask(self, method, path, body):
        if self._connection is None:
            self._connection = http.client.HTTPConnection(self._address, timeout=LONGEST)
        self._connection.request(method, path, body, self._headers | ({"content-type": "application/json"} if body else {}))
        response = self._connection.getresponse()
        return response.status, response.headers, response.read()


class Watch:
    """What was seen: the longest wait for /health; a neighbour's right answers, refusals, and whatever else it got; memory."""

    def __init__(self, url, pid, headers):
        self.process = Path("/proc", str(pid))
        self._health, self._neighbour = Client(url, headers), Client(url, headers)
        self.ended = threading.Event()
        self.seen = {"freeze": 0.0, "healths": 0, "right": 0, "refused": 0, "slowest": 0.0, "wrong": [], "memory": 0}

    def watch_health(self):
        began = time.monotonic()
        status, _, body = self._health.ask("GET", "/health")
        self.seen["healths"] += 1
        self.seen["freeze"] = max(self.seen["freeze"], time.monotonic() - began)
        if status != 200:
            self.seen["wrong"].append(f"/health: {status} {body[:200]!r}")

    def watch_neighbour(self):
        began = time.monotonic()
        status, headers, body = self._neighbour.ask("POST", "/query", json.dumps(QUERY))
        took = time.monotonic() - began
        if status == 503 and "retry-after" in headers:
            self.seen["refused"] += 1
        elif status == 200 and json.loads(body)["answer"] == str(len(TEXT)):
            self.seen["right"] += 1
            self.seen["slowest"] = max(self.seen["slowest"], took)
        else:
            self.seen["wrong"].append(f"the neighbour: {status} {body[:300]!r}")

    def watch_memory(self):
        self.seen["memory"] = max(self.seen["memory"], memory(self.process))

    def again_and_again(self, watch, pause):
        while not self.ended.wait(pause):
            try:
                watch()
            except Exception as error:  # noqa: BLE001  (whatever it is, it is told)
                self.seen["wrong"].append(f"{watch.__name__}: {type(error).__name__}: {error}")
                return


def memory(process):
    """Bytes of a process: its own, files that are mapped, and the images that it holds, mapped or not. 0: there is none."""
    with contextlib.suppress(OSError):
        sizes = (line.split() for line in Path(process, "status").read_text().splitlines())
        resident = sum(int(each[1]) << 10 for each in sizes if each[0] in ("RssAnon:", "RssFile:"))
        return resident + sum(_images(process).values())
    return 0


def forget_peak(process):
    Path(process, "clear_refs").write_text("5")


def peak(process):
    """Most bytes that were resident at once."""
    with contextlib.suppress(OSError):
        said = Path(process, "status").read_text()
        return int(said.partition("VmHWM:")[2].split()[0]) << 10
    return 0


def _images(process):
    """Bytes of each file in memory that is open."""
    found = {}
    for each in Path(process, "fd").iterdir():
        with contextlib.suppress(OSError):
            if os.readlink(each).startswith("/memfd:"):
                about = each.stat()
                found[about.st_ino] = about.st_blocks * 512
    return found


def main():
    url, pid = sys.argv[1:3]
    watch = Watch(url, pid, json.loads(sys.argv[3]))
    rounds = ((watch.watch_health, HEALTH_PAUSE), (watch.watch_neighbour, NEIGHBOUR_PAUSE), (watch.watch_memory, MEMORY_PAUSE))
    for each, _ in rounds:
        each()  # once, so that what is slow only at first is not counted
    watch.seen |= {"freeze": 0.0, "slowest": 0.0}
    forget_peak(watch.process)
    print(json.dumps({"memory": memory(watch.process)}), flush=True)
    threads = [threading.Thread(target=watch.again_and_again, args=each) for each in rounds]
    for each in threads:
        each.start()
    sys.stdin.read()
    watch.ended.set()
    for each in threads:
        each.join()
    watch.seen["memory"] = max(watch.seen["memory"], peak(watch.process))
    print(json.dumps(watch.seen), flush=True)


if __name__ == "__main__":
    main()
