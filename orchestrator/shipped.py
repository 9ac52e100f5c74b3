"""Files that come with the code: inside the package where a wheel is installed, beside it in a checkout."""

from pathlib import Path

_INSIDE = Path(__file__).parent / "data"  # made by guest_sdk/wheel.py
_FOLDER = _INSIDE if _INSIDE.exists() else Path(__file__).parents[1]

CONFIG = _FOLDER / "config.toml"
SCRIPTS = _FOLDER / "demo" / "scripts"
PRICES = Path(__file__).parent / "providers" / "prices.toml"
MODULES = _FOLDER / "wasm_modules" / "dist"
GUEST_SOURCES = _FOLDER / "guest_sdk"  # of a checkout, which builds its component itself


def component() -> Path | None:
    """The component that a wheel carries, SHA256.wasm."""
    return next((_FOLDER / "guest").glob("*.wasm"), None)
