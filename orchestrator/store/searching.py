"""What lists of runs are searched by."""

from typing import Any

from sqlalchemy import ColumnElement, and_

from orchestrator.journal.results import RunSummary
from orchestrator.store.messages import Wanted
from orchestrator.store.tables import RUNS

UNFINISHED = ("queued", "running", "waiting", "parked")


def words_of(summary: RunSummary) -> dict[str, Any]:
    """The columns of a run that are searched."""
    words = _findable(f"{summary.query}\n{summary.answer or ''}")
    models = _findable("\n".join(summary.models or summary.usage.models))
    return {"stopped": None if summary.stopped == "running" else summary.stopped, "words": words, "models": models}


def those(owner: str, wanted: Wanted) -> ColumnElement[bool]:
    """Of that owner."""
    chosen = [RUNS.c.owner == owner]
    if wanted.run_id is None:
        chosen.append(RUNS.c.parent.is_(None))  # child runs are found by their ids, and from their parents
    else:
        chosen.append(RUNS.c.run_id.startswith(wanted.run_id, autoescape=True))
    if wanted.status is not None:
        unfinished = wanted.status in UNFINISHED
        chosen.append(RUNS.c.ended_ns.is_(None) if unfinished else RUNS.c.stopped == wanted.status)
    if wanted.text is not None:
        chosen.append(RUNS.c.words.contains(_findable(wanted.text), autoescape=True))
    if wanted.model is not None:
        chosen.append(RUNS.c.models.contains(_findable(wanted.model), autoescape=True))
    if wanted.since is not None:
        chosen.append(RUNS.c.begun_ns >= wanted.since)
    if wanted.before is not None:
        chosen.append(RUNS.c.begun_ns < wanted.before)
    return and_(*chosen)


def _findable(text: str) -> str:
    """Small or large; PostgreSQL has no text with a NUL."""
    return text.casefold().replace("\0", " ")
