"""Run by `pip wheel` and `pip install`: what a wheel carries beside the code, and the component, which is built here.

orchestrator/shipped.py finds it. An editable install reads all of it in the checkout, and builds the component at its
first start, and again when its sources change.
"""

import hashlib
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).parents[1]))
from orchestrator import shipped
from orchestrator.sandbox.build.componentize import componentize
from orchestrator.sandbox.build.soundness import make_sound


class Wheel(BuildHookInterface):  # hatchling looks for a class of this kind
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            build_data["dependencies"] += self.metadata.build.requires
            return
        self.app.display_info("building the Python guest (about 15 seconds)")
        component = componentize(shipped.GUEST_SOURCES)
        make_sound(component)
        self._scratch = tempfile.TemporaryDirectory(prefix="rlm-wheel-")
        built = Path(self._scratch.name) / "guest.wasm"
        built.write_bytes(component)
        carried = {path: path.relative_to(self.root) for path in (shipped.CONFIG, shipped.SCRIPTS, shipped.MODULES)}
        carried[built] = Path("guest") / f"{hashlib.sha256(component).hexdigest()}.wasm"
        build_data["force_include"] |= {str(path): f"orchestrator/data/{place}" for path, place in carried.items()}

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if version != "editable":
            self._scratch.cleanup()
