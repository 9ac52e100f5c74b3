"""What runs begin with: the first event, which says all that they depend on, and what they have from another run."""

import time
import uuid
from collections.abc import Sequence
from typing import Any

import msgspec

from orchestrator.config import Settings
from orchestrator.contexts.context import Context
from orchestrator.errors import AboveCap, InvalidRequest
from orchestrator.journal.events import FORMAT, AnyEvent, ChildStarted, RunStarted, SubcallStarted, run_started
from orchestrator.journal.limits import RecordedCellLimits, RecordedRunLimits
from orchestrator.journal.parts import ForkedFrom
from orchestrator.providers.messages import OwnModels
from orchestrator.providers.needs import check_prices
from orchestrator.providers.own_keys import OwnKeys
from orchestrator.providers.pool import Models, Pool
from orchestrator.runs import forking
from orchestrator.runs.direct import check_fits
from orchestrator.runs.forking import Fork
from orchestrator.runs.query import Query, WantedLimits, check


class Beginning(msgspec.Struct, frozen=True):
    """`copied`: the events behind the first that another run made."""

    started: RunStarted
    context: Context
    models: Models
    copied: Sequence[AnyEvent] = ()


class Beginnings:
    """Those of one server; all that a caller can get wrong is told before a model is paid."""

    def __init__(self, settings: Settings, pool: Pool, component_sha256: str) -> None:
        self._settings = settings
        self._pool = pool
        self._own_keys = OwnKeys(settings.own_keys, pool.prices)
        self._component = component_sha256

    def first(self, query: Query, wanted: WantedLimits) -> Beginning:
        """Of a run over that context. Raises InvalidRequest, AboveCap, UnknownModel, TooLong, Forbidden."""
        check(query, self._settings.server.query_chars)
        models = self._choose(query.root_model, query.sub_model, query.own)
        limits = self._allow(wanted, RecordedRunLimits(**self._caps))
        check_prices((*models.root, *models.sub), limits.max_cost)
        if query.route == "direct":
            check_fits(query, models)
        cell = self._settings.sandbox
        run_id, now = uuid.uuid4().hex, time.time_ns()
        started = RunStarted(
            format=FORMAT,
            run_id=run_id,
            query=query.text,
            context_id=query.context.id,
            context_kind=query.context.kind,
            context_length=query.context.length,
            context_count=query.context.count,
            protocol=query.protocol or self._settings.protocol,
            output_limit=self._settings.output_limit,
            limits=limits,
            cell_limits=RecordedCellLimits(**{name: getattr(cell, name) for name in RecordedCellLimits.__struct_fields__}),
            seed=int.from_bytes(run_id.encode()[:8]),
            clock_start_ns=now,
            began_ns=now,
            component_sha256=self._component,
            sub_prompt_chars=models.sub_prompt_chars,
            root_model=query.root_model,
            sub_model=query.sub_model,
            cache=query.cache,
            own_key=query.own is not None,
            owner=query.owner,
            session_id=query.session_id,
            answer_schema=query.answer_schema,
            history_chars=min(filter(None, [self._settings.history_chars, models.history_chars])),
            route=query.route,
            verify=query.verify,
        )
        return Beginning(started, query.context, models)

    def after(self, events: Sequence[AnyEvent], query: Query, wanted: WantedLimits) -> Beginning:
        """Of a run that finds what the cells of that one left, also their clock and their limits. Raises Conflict too."""
        if query.route == "direct":
            raise InvalidRequest('route: a next question finds the variables of the one before, which "direct" does not use')
        if wanted.max_fuel is not None or wanted.max_depth is not None:
            raise InvalidRequest("max_fuel, max_depth: a next question executes the cells before it again, as they were")
        before, copied = run_started(events), forking.at_end(events)
        new = self.first(query, wanted)
        # The same cells must come to the same: only what they do not see is of today.
        same = ("output_limit", "cell_limits", "seed", "clock_start_ns", "component_sha256")
        changes: dict[str, Any] = {name: getattr(before, name) for name in same}
        started = msgspec.structs.replace(
            new.started,
            **changes,
            protocol=query.protocol or before.protocol,
            forked_from=ForkedFrom(before.run_id, turn=None),
            copied=len(copied),
            earlier=forking.asked(events),
            earlier_cells=forking.count_cells(copied),
        )
        return Beginning(started, query.context, new.models, copied)

    def fork(self, events: Sequence[AnyEvent], fork: Fork, context: Context, own: OwnModels | None) -> Beginning:
        """Of a run that is another up to a turn. Raises InvalidRequest, AboveCap, UnknownModel, Conflict."""
        forking.check(fork)
        before = run_started(events)
        copied = forking.before_turn(events, fork)
        if before.own_key and own is None:
            raise InvalidRequest("its models are the caller's: send X-RLM-Provider, X-RLM-Model and X-RLM-Key again")
        root, sub = (fork.model, None) if own else (fork.model or before.root_model, before.sub_model)
        models = self._choose(root, sub, own)
        limits = self._allow(fork.limits or WantedLimits(), self._limited(before.limits))
        check_prices((*models.root, *models.sub), limits.max_cost)
        if fork.turn > limits.max_iterations:
            raise InvalidRequest(f"turn: the fork may have {limits.max_iterations} turns (max_iterations)")
        made = sum(isinstance(each, SubcallStarted | ChildStarted) for each in copied)
        if made > limits.max_sub_calls:
            raise InvalidRequest(f"max_sub_calls: {made} were made before turn {fork.turn}; allow as many or more")
        started = msgspec.structs.replace(
            before,
            run_id=uuid.uuid4().hex,
            limits=limits,
            began_ns=time.time_ns(),
            sub_prompt_chars=models.sub_prompt_chars,
            root_model=root,
            sub_model=sub,
            own_key=own is not None,
            session_id=None,
            parent=None,
            forked_from=ForkedFrom(before.run_id, fork.turn),
            copied=len(copied),
            at=0.0,
        )
        return Beginning(started, context, models, copied)

    def _choose(self, root: str | None, sub: str | None, own: OwnModels | None) -> Models:
        """Raises UnknownModel, Forbidden, InvalidRequest."""
        if own is None:
            return self._pool.choose(root, sub)
        if root or sub:
            raise InvalidRequest("root_model, sub_model: they choose among this server's models, own keys bring others")
        return self._own_keys.models(own)

    @property
    def _caps(self) -> dict[str, Any]:
        return {name: getattr(self._settings, name) for name in RecordedRunLimits.__struct_fields__}

    def _limited(self, before: RecordedRunLimits) -> RecordedRunLimits:
        """What had no limit has those that are configured by now."""
        missing = {name: self._caps[name] for name, value in msgspec.structs.asdict(before).items() if value is None}
        return msgspec.structs.replace(before, **missing)

    def _allow(self, wanted: WantedLimits, otherwise: RecordedRunLimits) -> RecordedRunLimits:
        """What the caller wants, within what is configured. Raises AboveCap."""
        chosen = {name: value for name, value in msgspec.structs.asdict(wanted).items() if value is not None}
        for name, value in chosen.items():
            if self._caps[name] is not None and value > self._caps[name]:
                raise AboveCap(f"{name}: {value} is above this server's {self._caps[name]}")
        return msgspec.structs.replace(otherwise, **chosen)
