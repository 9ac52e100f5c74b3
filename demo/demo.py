"""`make demo`: all questions of questions/, each answer beside the truth, and each run executed again.

The truth is computed here, without the server. Exit status 1 if an answer is wrong or a run does not come to the same again.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ask import ask
from questions import NAMES, make_question
from texts import standard_library

ROOT = Path(__file__).parents[1]


def main() -> int:
    files = standard_library()
    size = sum(map(len, files.values()))
    print(f"Input: the source of Python's standard library on this machine, {len(files)} files, {size:,} characters;")
    print("       and what demo/questions/ generates from fixed seeds: logs, tables, letters, reports, records.")
    print("Model: SCRIPTED. Its code and replies were written by hand (demo/scripts/); the sandbox, the loop, the")
    print("       sub-calls and the answers are real. For a real model change two lines of config.toml:")
    print('       Ollama:    provider_type = "ollama"     model = "qwen3:32b"')
    print('       DeepSeek:  provider_type = "deepseek"   model = "deepseek-flash"   (environment: DEEPSEEK_API_KEY)')
    with server() as url:
        right, same = zip(*(both(url, name) for name in NAMES), strict=True)
        if os.environ.get("KEEP"):
            print(f"\nThe server stays up: {url}  (OpenAPI: {url}/schema; stop it with Ctrl-C)")
            wait_for_interrupt()
    of = f"of {len(NAMES)}"
    print(f"\n{sum(right)} {of} answers are right, {sum(same)} {of} runs are identical when they are executed again.")
    return 0 if all(right) and all(same) else 1


def both(url: str, name: str) -> tuple[bool, bool]:
    """Whether the answer is right, and whether the run comes to the same again."""
    question = make_question(name)
    asked = ask(url, question)
    return asked.right, asked.run is not None and replayed(url, asked.run, question.body)


def replayed(url: str, run: str, body: dict[str, Any]) -> bool:
    """Executes a run again from its journal, offline: `rlm replay`."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        journal, context = Path(folder) / "journal", Path(folder) / "context"
        with urllib.request.urlopen(f"{url}/runs/{run}/journal") as response:
            journal.write_bytes(response.read())
        write_context(body, context)
        command = [sys.executable, "-m", "orchestrator", "replay", str(journal), "--context", str(context)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    outcome = done.stdout.strip() or done.stderr.strip()
    print(f"  executed again, offline, in {time.monotonic() - started:.1f} s: {outcome}", flush=True)
    return done.returncode == 0


def write_context(body: dict[str, Any], path: Path) -> None:
    """The input of a question as `--context` takes it: a file, or a folder of documents."""
    if "documents" in body:
        for number, each in enumerate(body["documents"]):
            name, text = (each["name"], each["text"]) if isinstance(each, dict) else (f"{number:04}", each)
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_text(text, encoding="utf-8", newline="")
    else:
        text = body["context"] if isinstance(body["context"], str) else json.dumps(body["context"])
        path.write_text(text, encoding="utf-8", newline="")


@contextmanager
def server() -> Iterator[str]:
    """The server on a free loopback port, ended afterwards; what it keeps goes with it, and is not among the user's own."""
    command = [sys.executable, "-m", "orchestrator", "serve", "--config", str(ROOT / "config.toml"), "--port", "0"]
    with tempfile.TemporaryDirectory() as data:
        environment = os.environ | {"XDG_DATA_HOME": data}
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
        try:
            yield listening(process)
        finally:
            process.terminate()
            process.wait(timeout=30)


def show(log: Iterable[str]) -> None:
    """What the server says but for its log of what went well, which is printed here."""
    for line in log:
        if '"level": "info"' not in line:
            print(line, end="", flush=True)


def listening(process: "subprocess.Popen[str]") -> str:
    """Passes the server's progress on until it says where it listens."""
    for line in process.stderr or ():
        print(line, end="", flush=True)
        if found := re.search(r"listening on (http://\S+)", line):
            threading.Thread(target=show, args=(process.stderr,), daemon=True).start()
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
