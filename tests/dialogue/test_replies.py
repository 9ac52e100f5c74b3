"""Saved replies, as models write them, and what each comes to."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.dialogue.replies import NothingToDo, parse_reply

CASES = sorted((Path(__file__).parents[1] / "cases" / "replies").glob("*.md"))


def test_there_are_enough_cases():
    """None was lost: at least forty, each with its expectation."""
    assert len(CASES) >= 40
    assert all(case.with_suffix(".json").exists() for case in CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_a_reply_comes_to_its_actions(case):
    """The actions of the saved reply are those written beside it."""
    actions = parse_reply(case.read_bytes().decode())
    assert msgspec.json.decode(msgspec.json.encode(actions)) == msgspec.json.decode(case.with_suffix(".json").read_bytes())


PIECES = [
    "```",
    "```python\n",
    "\n```\n",
    "<think>",
    "</think>",
    '"""',
    "'''",
    "#",
    "\\",
    "\n",
    "FINAL(",
    ")",
    "x = 1",
    " ",
    "~~~",
]


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=30).map("".join))
def test_any_reply_comes_to_at_least_one_action(text):
    """Nothing that a model writes raises."""
    assert parse_reply(text)


@pytest.mark.parametrize(
    "text",
    [
        "`" * 300_000,
        "```\n" * 100_000,
        "<think>" * 50_000,
        "<think></think>\n" * 20_000,
        "```python\n" + "'" * 300_000,
        "```python\n" + '"""\n```\n' * 20_000,
        "```python\n" + "#\n```\n" * 20_000,
        "FINAL(" * 50_000,
        "{\n" * 100_000 + '"op"',
        '{"a":\n' * 40_000 + '"op"',
        "```json\n" + "{\n" * 100_000 + '"op"',
        ("[" + "1," * 100 + "\n") * 990 + '"op"',
        "FINAL(\n" * 50_000,
        "```python\nx = 1\n```\n" * 20_000,
        "\\" * 300_000,
        "</think>" * 30_000,
        "</think>~~~" * 20_000 + "`",
        "</think>a`</think>b`" * 12_000,
        "`a`" * 70_000,
    ],
    ids=lambda text: text[:12],
)
def test_a_long_hostile_reply_is_parsed_in_linear_time(text):
    """Parsing blocks the server: a pathological reply would time this test out, were it quadratic."""
    assert parse_reply(text)


def test_a_reply_with_too_many_blocks_is_not_run():
    """20,000 of them would keep a run busy for as long as it may; a hundred are taken."""
    block = "```python\nprint(1)\n```\n"
    assert len(parse_reply(block * 100)) == 100
    assert parse_reply(block * 20_000) == [NothingToDo("it has 20000 blocks, and at most 100 are taken: do less in one reply")]
