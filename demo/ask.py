"""Ask one question of the demo of a running server: python3 demo/ask.py NAME [URL]. Needs nothing but Python.

Exit status 1 if the answer is wrong, 2 if there is no server or no such question.
"""

import json
import sys
import time
import urllib.error
import urllib.request
from typing import Any, NamedTuple

from question import Question
from questions import NAMES, make_question

URL = "http://127.0.0.1:8080"
SHOWN = 300  # characters of an answer and of its truth
JSON, PLAIN = "application/json", "text/plain; charset=utf-8"


class Asked(NamedTuple):
    """What came of a question; without a run if the server made none."""

    right: bool
    run: str | None = None


def main(arguments: list[str]) -> int:
    if not 1 <= len(arguments) <= 2 or arguments[0] not in NAMES:
        print(f"usage: ask.py {' | '.join(NAMES)} [URL, default {URL}]", file=sys.stderr)
        return 2
    url = arguments[1] if len(arguments) == 2 else URL
    try:
        return 0 if ask(url.rstrip("/"), make_question(arguments[0])).right else 1
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        print(f"{url}: no answer: {reason} (start a server with: make serve)", file=sys.stderr)
        return 2


def ask(url: str, question: Question) -> Asked:
    """One question over HTTP; prints the answer beside the truth, which was computed without the server."""
    print(f"\nQuestion ({question.shows.rstrip('.')}): {question.text}")
    started = time.monotonic()
    status, result = _query(url, question)
    seconds = time.monotonic() - started
    if status >= 300:
        print(f"  the server answered {status}: {result.get('detail')}")
        return Asked(right=False)
    try:
        said = question.said(result["answer"])
    except (TypeError, ValueError, KeyError):
        said = None
    right = bool(result["success"]) and said == question.truth
    print(f"  answer: {_beginning(result['answer'] or result['error'])}")
    print(f"  truth:  {_beginning(json.dumps(question.truth, ensure_ascii=False))}")
    print(f"  {'RIGHT' if right else 'WRONG'}: ", end="")
    print(f"{result['iterations']} turns, {result['sub_calls']} sub-calls, {seconds:.1f} s ({result['stopped']})")
    print(f"  {url}/visualize/{result['run_id']}", flush=True)
    return Asked(right, result["run_id"])


def _beginning(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SHOWN else f"{line[:SHOWN]} ... ({len(text):,} characters)"


def _query(url: str, question: Question) -> tuple[int, dict[str, Any]]:
    """A text is sent first, as it is; anything else with the question."""
    body = dict(question.body)
    if isinstance(body.get("context"), str):
        status, kept = _post(f"{url}/contexts", body.pop("context").encode(), PLAIN)
        if status >= 300:
            return status, kept
        body["context_id"] = kept["context_id"]
    return _post(f"{url}/query", json.dumps({"query": question.text} | body).encode(), JSON)


def _post(url: str, body: bytes, kind: str) -> tuple[int, dict[str, Any]]:
    request = urllib.request.Request(url, body, {"content-type": kind})
    try:
        with urllib.request.urlopen(request, timeout=600) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
