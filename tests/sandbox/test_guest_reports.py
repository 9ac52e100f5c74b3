"""What a guest reports is cut by the host's own count: a cell can replace the code that reports."""

import pytest

from orchestrator.sandbox import host_imports
from orchestrator.sandbox.modules.instance import ModuleOutcome

LIE = """
import json
from rlm_guest import runner
honest = json.dumps
def lie(report, **others):
    if isinstance(report, dict) and "head" in report:
        report |= {report_lie}
    return honest(report, **others)
runner.json.dumps = lie
"""


@pytest.mark.parametrize(
    ("said", "head", "tail", "length", "error"),
    [
        ("{'head': 'x' * 10**7, 'length': 5}", 10_000, 0, 10_000, 0),
        ("{'tail': 'x' * 10**7, 'length': 0}", 0, 10_000, 10_000, 0),
        ("{'error': 'x' * 10**7}", 0, 0, 0, 10_015),
        ("{'length': 10**18}", 0, 0, 1 << 53, 0),
        ("{'length': -5}", 0, 0, 0, 0),
        ("{'answer': 'x' * (10**7 + 1)}", 0, 0, 0, 74),
    ],
)
async def test_a_report_is_cut_whatever_it_says(run_cells, said, head, tail, length, error):
    """By the engine's output_chars (10,000 here), and limits that no setting moves."""
    outcome = await run_cells(LIE.replace("{report_lie}", said))
    assert (len(outcome.head), len(outcome.tail), outcome.length, len(outcome.error or "")) == (head, tail, length, error)
    assert outcome.answer is None


async def test_an_answer_that_is_too_long_is_an_error(run_cells):
    """The model can answer with less; the cell's other variables are kept."""
    outcome = await run_cells("FINAL('x' * 10_000_001)")
    assert (outcome.answer, outcome.error) == (
        None,
        "ValueError: the answer has 10000001 characters, at most 10000000 are taken",
    )


@pytest.mark.parametrize(
    "arguments",
    ["'{\"prompts\": [' + '[],' * 600_000 + '[]]}'", "'{\"prompts\": [' + '0,' * 9_000_000 + '0]}'"],
)
async def test_json_of_a_cell_is_counted_before_it_is_decoded(run_cells, arguments):
    """Millions of lists would hold up everybody for seconds."""
    outcome = await run_cells(
        f"import wit_world\ntry: wit_world.call('llm_query', {arguments})\nexcept Exception as e: print(e.value)"
    )
    assert outcome.head + outcome.tail == (
        '{"type":"ValueError","message":"llm_query: what it is given is too much JSON: at most 128 MiB, 500000 lists and objects, '
        '8000000 values"}\n'
    )


def test_json_of_a_module_is_counted_before_it_is_decoded():
    """What a module answers is as hostile as what a cell says."""
    with pytest.raises(host_imports.Refused) as error:
        host_imports._rewrite(ModuleOutcome(b"[" + b"[]," * 600_000 + b"[]]", 0))
    assert str(error.value) == ("its result is too much JSON: at most 128 MiB, 500000 lists and objects, 8000000 values")
