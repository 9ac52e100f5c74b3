"""Ask one question of the demo of a running server: python3 demo/ask.py NAME [URL]. Needs nothing but Python.

Exit status 1 where the answer is wrong, 2 where there is no server or no such question.
"""

import json
import sys
import time
import urllib.error
import urllib.request
from typing import Any

import data
from questions import Question, all_questions

URL = "http://127.0.0.1:8080"


def main(arguments: list[str]) -> int:
    questions = {question.name: question for question in all_questions(data.standard_library())}
    if not 1 <= len(arguments) <= 2 or arguments[0] not in questions:
        print(f"usage: ask.py {' | '.join(questions)} [URL, default {URL}]", file=sys.stderr)
        return 2
    url = arguments[1] if len(arguments) == 2 else URL
    try:
        return 0 if ask(url.rstrip("/"), questions[arguments[0]]) else 1
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        print(f"{url}: no answer: {reason} (start a server with: make serve)", file=sys.stderr)
        return 2


def ask(url: str, question: Question) -> bool:
    """One question over HTTP; prints the answer beside the truth, which was computed without the server."""
    print(f"\nQuestion ({question.shows}): {question.text}")
    started = time.monotonic()
    status, result = _post(f"{url}/query", {"query": question.text} | question.body)
    seconds = time.monotonic() - started
    if status != 200:
        print(f"  the server answered {status}: {result.get('detail')}")
        return False
    try:
        said = question.said(json.loads(result["answer"]))
    except (TypeError, ValueError, KeyError):
        said = None
    print(f"  answer: {result['answer'] or result['error']}")
    print(f"  truth:  {json.dumps(question.truth)}")
    print(f"  {'RIGHT' if said == question.truth else 'WRONG'}: ", end="")
    print(f"{result['iterations']} turns, {result['sub_calls']} sub-calls, {seconds:.1f} s ({result['stopped']})")
    print(f"  {url}/visualize/{result['run_id']}", flush=True)
    return bool(result["success"]) and said == question.truth


def _post(url: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=600) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
