"""`make demo`: two questions over the source of Python's standard library, each answer beside the truth.

The truth is computed here, from the files, without the server. Exit status 1 where an answer is wrong.
"""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx

ROOT = Path(__file__).parents[1]
STDLIB = Path(sysconfig.get_path("stdlib"))
LEFT_OUT = {"site-packages", "dist-packages", "test", "tests", "idle_test"}


class Question(NamedTuple):
    text: str
    truth: Any
    said: Any  # the answer as JSON -> what of it is compared with the truth


def main() -> int:
    files = standard_library()
    corpus = "".join(f"##### FILE: {name} #####\n{text}\n" for name, text in files.items())
    print(f"Input: the source of Python's standard library on this machine, {len(files)} files, {len(corpus):,} characters.")
    print("Model: SCRIPTED. Its code and replies were written by hand (demo/script.toml); the sandbox, the loop, the")
    print("       sub-calls and the answers are real. For a real model change two lines of config.toml:")
    print('       Ollama:    provider_type = "ollama"     model = "qwen3:32b"')
    print('       DeepSeek:  provider_type = "deepseek"   model = "deepseek-chat"   (environment: DEEPSEEK_API_KEY)')
    with server() as url:
        right = [ask(url, corpus, question) for question in questions(files)]
        if os.environ.get("KEEP"):
            print(f"\nThe server stays up: {url}  (OpenAPI: {url}/schema; stop it with Ctrl-C)")
            wait_for_interrupt()
    print(f"\n{sum(right)} of {len(right)} answers are right.")
    return 0 if all(right) else 1


def standard_library() -> dict[str, str]:
    paths = sorted(path for path in STDLIB.rglob("*.py") if not LEFT_OUT & set(path.relative_to(STDLIB).parts))
    return {path.relative_to(STDLIB).as_posix(): path.read_bytes().decode() for path in paths}


def questions(files: dict[str, str]) -> list[Question]:
    return [
        Question(
            "Which five modules open the most classes, counting the lines that begin, after indentation, with "
            "`class NAME`? Say also what each module is for.",
            most_classes(files),
            lambda answer: [[each["module"], each["classes"]] for each in answer],
        ),
        Question("Where is `__import__` called? Answer with module:line.", import_calls(files), list),
    ]


def most_classes(files: dict[str, str]) -> list[list[Any]]:
    opens = re.compile(r"[ \t]*class[ \t]+\w")
    counts = {name: sum(bool(opens.match(line)) for line in text.split("\n")) for name, text in files.items()}
    return [[name, counts[name]] for name in sorted(counts, key=lambda name: (-counts[name], name))[:5]]


def import_calls(files: dict[str, str]) -> list[str]:
    calls = []
    for name, text in files.items():
        if "__import__" in text:
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "__import__":
                    calls.append((name, node.lineno))
    return [f"{name}:{line}" for name, line in sorted(calls)]


def ask(url: str, corpus: str, question: Question) -> bool:
    """One question over HTTP; prints the answer beside the truth."""
    print(f"\nQuestion: {question.text}")
    started = time.monotonic()
    response = httpx.post(f"{url}/query", json={"query": question.text, "context": corpus}, timeout=300)
    seconds = time.monotonic() - started
    result = response.json()
    if response.status_code != 200:
        print(f"  the server answered {response.status_code}: {result.get('detail')}")
        return False
    try:
        said = question.said(json.loads(result["answer"]))
    except (TypeError, ValueError, KeyError):
        said = None
    print(f"  answer: {result['answer'] or result['error']}")
    print(f"  truth:  {json.dumps(question.truth)}")
    print(f"  {'RIGHT' if said == question.truth else 'WRONG'}: ", end="")
    print(f"{result['iterations']} turns, {result['sub_calls']} sub-calls, {seconds:.1f} s ({result['stopped']})")
    return bool(result["success"]) and said == question.truth


@contextmanager
def server() -> Iterator[str]:
    """The server on a free loopback port, ended afterwards."""
    command = [sys.executable, "-m", "orchestrator", "serve", "--config", str(ROOT / "config.toml"), "--port", "0"]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    try:
        yield listening(process)
    finally:
        process.terminate()
        process.wait(timeout=30)


def listening(process: "subprocess.Popen[str]") -> str:
    """Passes the server's progress on until it says where it listens."""
    for line in process.stderr or ():
        print(line, end="", flush=True)
        if found := re.search(r"listening on (http://\S+)", line):
            threading.Thread(target=shutil.copyfileobj, args=(process.stderr, sys.stdout), daemon=True).start()
            return found[1]
    raise SystemExit("demo: the server did not start; its message is above")


def wait_for_interrupt() -> None:
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    sys.exit(main())
