"""The headers by which a caller brings models of its own: they are read here, and kept nowhere."""

from collections.abc import Mapping

from orchestrator.errors import InvalidRequest
from orchestrator.providers.messages import OwnModels

PROVIDER, MODEL, SUB_MODEL, KEY = "x-rlm-provider", "x-rlm-model", "x-rlm-sub-model", "x-rlm-key"
LONGEST = 1000  # characters of each


def own_models(headers: Mapping[str, str]) -> OwnModels | None:
    """None if the request has none of them. Raises InvalidRequest."""
    given = {name: headers[name] for name in (PROVIDER, MODEL, SUB_MODEL, KEY) if name in headers}
    if not given:
        return None
    missing = [name for name in (PROVIDER, MODEL, KEY) if not given.get(name, "").strip()]
    if missing:
        raise InvalidRequest(f"own keys: the headers X-RLM-Provider, X-RLM-Model and X-RLM-Key go together; no {missing[0]}")
    for name, value in given.items():
        if len(value) > LONGEST:
            raise InvalidRequest(f"{name}: it has more than {LONGEST} characters")
    return OwnModels(provider=given[PROVIDER], model=given[MODEL], sub_model=given.get(SUB_MODEL), key=given[KEY])
