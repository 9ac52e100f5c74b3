"""`rlm guest`: the components that runs were executed by, carried from one machine to another."""

import argparse
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from orchestrator.cli.command import command_parser
from orchestrator.cli.say import say
from orchestrator.errors import InvalidRequest
from orchestrator.sandbox.build import component_files

LARGEST = 128 << 20  # bytes; today's has 22 MB


def main(arguments: Sequence[str]) -> int:
    """On stdout the sha256 of what was exported or imported, or a line for each that is here."""
    options = _parser().parse_args(arguments)
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


def _parser() -> argparse.ArgumentParser:
    parser = command_parser("guest", "List the Python guests that are here by their sha256, or carry one to another machine.")
    actions = parser.add_subparsers(dest="action")
    exporting = actions.add_parser("export", help="write one to a file, for `rlm guest import` on another machine")
    exporting.add_argument("sha256", nargs="?", metavar="SHA256", help="that a journal names; default: that of new runs")
    exporting.add_argument("file", type=Path, metavar="FILE")
    importing = actions.add_parser("import", help="keep one from another machine, so that `rlm replay` finds it")
    importing.add_argument("file", type=Path, metavar="FILE")
    return parser


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
