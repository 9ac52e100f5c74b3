"""Guests of a hand-written module, by every way of the platform."""

import pytest
import wasmtime
from wat_guest import WAT, Guest

from orchestrator.sandbox.engine import _configure
from orchestrator.sandbox.memory import mappings


@pytest.fixture(scope="module")
def wasm():
    engine = wasmtime.Engine(_configure())
    return engine, wasmtime.Module(engine, WAT)


@pytest.fixture(params=["scan", "pagemap", "copies"])
def new(request, wasm, monkeypatch):
    """new(image): a guest, by each of the ways that platforms offer."""
    monkeypatch.setattr(mappings, "MAPPABLE", request.param != "copies")
    monkeypatch.setattr(mappings._Scan, "available", request.param == "scan")
    return lambda image=None, **options: Guest(*wasm, image, **options)
