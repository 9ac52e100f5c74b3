"""`rlm guest`: the components that runs were executed by, carried from one machine to another."""

import argparse
import hashlib
import re
from pathlib import Path

from orchestrator.cli.say import say
from orchestrator.errors import InvalidRequest
from orchestrator.sandbox.build import component_files

LARGEST = 128 << 20  # bytes; today's has 22 MB


def guest(options: argparse.Namespace) -> int:
    """On stdout the sha256 of what was exported or imported, or a line for each that is here."""
    match options.action:
        case "export":
            print(_export(options.sha256, options.file))
        case "import":
            print(_import(options.file))
        case _:
            current = component_files.current()
            for wasm in component_files.every():
                print(wasm.stem + ("  new runs use it" if wasm == current else ""))
    return 0


def _export(sha256: str | None, file: Path) -> str:
    wasm = component_files.find(sha256) if sha256 else component_files.newest(say)
    content = component_files.read(wasm)
    _check_name(file, wasm.stem)
    try:
        file.write_bytes(content)
    except OSError as error:
        raise InvalidRequest(f"{file}: {error.strerror}") from None
    return wasm.stem


def _import(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            content = opened.read(LARGEST + 1)
    except OSError as error:
        raise InvalidRequest(f"{file}: {error.strerror}") from None
    if len(content) > LARGEST:
        raise InvalidRequest(f"{file}: it has more than {LARGEST} bytes; no guest is so large")
    _check_name(file, hashlib.sha256(content).hexdigest())
    return component_files.keep(content).stem


def _check_name(file: Path, sha256: str) -> None:
    """A file that is named by a sha256 has that component, or none is read or written."""
    if re.fullmatch("[0-9a-f]{64}", file.stem) and file.stem != sha256:
        raise InvalidRequest(f"{file}: it is named by another sha256 than that of the component, {sha256}")
