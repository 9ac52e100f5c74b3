"""What lists of runs are searched by."""

from typing import Any

from sqlalchemy import ColumnElement, and_

from orchestrator.journal.history import RunSummary
from orchestrator.store.messages import Wanted
from orchestrator.store.tables import RUNS

UNFINISHED = ("queued", "running", "waiting", "parked")


def words_of(summary: RunSummary) -> dict[str, Any]:
    """The columns of a run that are searched."""
    words = _folded(f"{summary.query}\n{summary.answer or ''}")
    models = _folded("\n".join(summary.models or summary.usage.models))
    return {"stopped": None if summary.stopped == "running" else summary.stopped, "words": words, "models": models}


def _folded(text: str) -> str:
    # PostgreSQL has no text with a NUL, and for SQLite a pattern ends there.
    return text.casefold().replace("\0", " ")


def those(owner: str, wanted: Wanted) -> ColumnElement[bool]:
    """Of that owner."""
    chosen = [RUNS.c.owner == owner]
    if wanted.run_id is not None:
        chosen.append(RUNS.c.run_id.startswith(wanted.run_id, autoescape=True))
    if wanted.status is not None:
        unfinished = wanted.status in UNFINISHED
        chosen.append(RUNS.c.ended_ns.is_(None) if unfinished else RUNS.c.stopped == wanted.status)
    if wanted.text is not None:
        chosen.append(RUNS.c.words.contains(_folded(wanted.text), autoescape=True))
    if wanted.model is not None:
        chosen.append(RUNS.c.models.contains(_folded(wanted.model), autoescape=True))
    if wanted.since is not None:
        chosen.append(RUNS.c.begun_ns >= wanted.since)
    if wanted.before is not None:
        chosen.append(RUNS.c.begun_ns < wanted.before)
    return and_(*chosen)
