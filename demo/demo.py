"""`make demo`: seven questions, two of them over the source of Python's standard library, each answer beside the truth.

The truth is computed here, from the files, without the server. Exit status 1 where an answer is wrong.
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

import data
from ask import ask
from questions import Question, all_questions, write_context

ROOT = Path(__file__).parents[1]


def main() -> int:
    files = data.standard_library()
    size = sum(map(len, files.values()))
    print(f"Input: the source of Python's standard library on this machine, {len(files)} files, {size:,} characters;")
    print("       logs, a table, incident reports and reviews, generated from fixed seeds.")
    print("Model: SCRIPTED. Its code and replies were written by hand (demo/script.toml); the sandbox, the loop, the")
    print("       sub-calls and the answers are real. For a real model change two lines of config.toml:")
    print('       Ollama:    provider_type = "ollama"     model = "qwen3:32b"')
    print('       DeepSeek:  provider_type = "deepseek"   model = "deepseek-flash"   (environment: DEEPSEEK_API_KEY)')
    with server() as url:
        questions = all_questions(files)
        right = [ask(url, question) for question in questions]
        print()
        right += [replayed(url, run, question) for run, question in zip(runs(url), questions, strict=True)]
        if os.environ.get("KEEP"):
            print(f"\nThe server stays up: {url}  (OpenAPI: {url}/schema; stop it with Ctrl-C)")
            wait_for_interrupt()
    print(f"\n{sum(right[: len(questions)])} of {len(questions)} answers are right, ", end="")
    print(f"{sum(right[len(questions) :])} of {len(questions)} runs are identical when they are executed again.")
    return 0 if all(right) else 1


def runs(url: str) -> list[str]:
    """The ids of the runs, the oldest first."""
    with urllib.request.urlopen(f"{url}/runs") as response:
        return [run["run_id"] for run in reversed(json.load(response)["runs"])]


def replayed(url: str, run: str, question: Question) -> bool:
    """Executes a run again from its journal, offline: `rlm replay`."""
    with tempfile.TemporaryDirectory() as folder:
        journal, context = Path(folder) / "journal", Path(folder) / "context"
        with urllib.request.urlopen(f"{url}/runs/{run}/journal") as response:
            journal.write_bytes(response.read())
        write_context(question.body, context)
        command = [sys.executable, "-m", "orchestrator", "replay", str(journal), "--context", str(context)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    print(f"Executed again, offline, {question.name}: {done.stdout.strip() or done.stderr.strip()}", flush=True)
    return done.returncode == 0


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


def show(log: Iterable[str]) -> None:
    """What the server says of its runs; of its requests nothing, this program made them."""
    for line in log:
        if '"event": "audit"' not in line:
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
