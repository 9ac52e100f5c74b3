"""The sources of the guest built into a component. Knows the standard library alone, as a wheel is built with it too."""

import importlib.resources
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from orchestrator.errors import SandboxError

WORLD = "interpreter"


def componentize(sources: Path) -> bytes:
    """In about fifteen seconds; no two builds are the same. Raises SandboxError."""
    with tempfile.TemporaryDirectory(prefix="rlm-guest-") as scratch:
        output = Path(scratch) / "guest.wasm"
        program = [sys.executable, "-c", "import componentize_py; componentize_py.script()"]
        world = ["--quiet", "-d", str(sources / "wit"), "-w", WORLD]
        # The time zones, without anything else that is installed beside them.
        packages = Path(scratch) / "packages"
        shutil.copytree(str(importlib.resources.files("tzdata")), packages / "tzdata")
        command = ["componentize", "app", "-p", str(sources / "python"), "-p", str(packages), "-o", str(output)]
        done = subprocess.run([*program, *world, *command], cwd=scratch, capture_output=True, text=True, check=False)
        if done.returncode or not output.exists():
            said = done.stderr.strip() or done.stdout.strip()
            raise SandboxError(f"the Python guest cannot be built: {said[-2000:]}")
        return output.read_bytes()
