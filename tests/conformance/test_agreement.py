"""The modules agree with Python's own `re`, `csv` and `json`; `make conformance` compares 20,000 random cases of each kind."""

import pytest
from agreement import SETTINGS, run
from agreement_cases import KINDS


@pytest.mark.parametrize("kind", KINDS)
async def test_no_case_differs_in_silence(new_engine, kind):
    """Each agrees, or is refused with a reason; and most are not refused."""
    told = []
    counts = await run(new_engine(SETTINGS), kind, 2, 150, told.append)
    assert (told, counts["differs"]) == ([], 0)
    assert counts["agrees"] > 60
