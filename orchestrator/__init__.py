"""A server that answers questions over inputs far larger than any model's window.

The way of the data, which is also the order in which to read the code::

    HTTP request   api/        structs in, structs out (or cli/: the same without a server)
    -> context     contexts/   the big input: immutable, held once, id = hash
    -> run         runs/       the root loop; what it may spend: budget.py, amounts.py
    -> model call  providers/  choose, limit, retry; one file for each protocol
    -> reply       dialogue/   what a model is told, and what its reply means
    -> cell        sandbox/    the Python guest in wasmtime; host_imports.py is the trust boundary
    -> events      journal/    what happened: read back, written as a script
    -> store       store/      where that lasts: a database, and which process goes on with a run
    -> response    api/, web/ (the pages), logs.py; library/: the same from Python
    -> watchers    telemetry/  metrics and traces, made from the events of live runs

    opening.py builds what answers queries, app.py the server over it. config.py reads the settings, with server_settings.py
    (who may knock), presets.py (servers that are known) and env_file.py (keys beside it); they, errors.py and shipped.py
    (files that come with the code) know nobody else.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestrator.library.rlm import RLM as RLM

__version__ = "0.1.0"
__all__ = ["RLM", "__version__"]


def __getattr__(name: str) -> Any:
    """RLM is loaded when it is asked for: to import the package alone is cheap."""
    if name == "RLM":
        from orchestrator.library.rlm import RLM  # noqa: PLC0415

        return RLM
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
