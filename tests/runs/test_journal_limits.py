"""A run that writes down more than is kept of one ends with what it has; its neighbours go on."""

import pytest
from fakes import FakeModel, python

from orchestrator.journal import events as ev
from orchestrator.journal.lines import to_lines
from orchestrator.journal.results import result
from orchestrator.server_settings import ServerSettings

FULL = "its journal would have more than 50000 bytes (server.run_journal_bytes)"
SMALL = ServerSettings(run_journal_bytes=50_000)


@pytest.mark.parametrize(
    "cell",
    [
        "llm_query('x' * 50_000)",  # the prompt is too large
        "llm_batch(['reply'] * 3)",  # the replies are
        "modules.regex.find('.{1000}', text='ab' * 60_000)",  # what a module answers is
    ],
)
async def test_a_run_whose_journal_is_full_gives_what_it_has(run_query, cell):
    """Whatever fills it: its draft is the partial answer, and nothing is an internal error."""
    model = FakeModel([python("answer['content'] = 'so far'"), python(cell)], sub=lambda prompt: "long " * 6_000)
    journal = await run_query(model, server=SMALL)
    found = result(journal.events)
    assert (found.stopped, found.answer, found.success, found.error) == ("max_journal", "so far", False, FULL)
    assert isinstance(journal.events[-1], ev.RunFinished)
    assert sum(map(len, to_lines(journal.events))) < 60_000


async def test_a_reply_that_is_too_large_for_the_journal_ends_the_run(run_query):
    """Of the root model, too."""
    found = result((await run_query(FakeModel(["x" * 60_000]), server=SMALL)).events)
    assert (found.stopped, found.answer, found.error) == ("max_journal", None, FULL)
