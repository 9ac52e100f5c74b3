"""A model's reply read as JSON."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rlm_guest.replies import parse_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet='ab"\\\\{}[],` \n', max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(alphabet='ab",', max_size=3), inner, max_size=4),
    max_leaves=10,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1}', {"a": 1}),
        (" [1, 2]\n", [1, 2]),
        ("7", 7),
        ('```json\n{"a": 1}\n```', {"a": 1}),
        ("```\n[1]\n```", [1]),
        ('Here it is:\n```json\n{"a": [1, 2,],}\n```\nAnything else?', {"a": [1, 2]}),
        ('Of [3] kinds: {"a": "x, ]"} and so on.', {"a": "x, ]"}),
        ('{"a": "b,}",}', {"a": "b,}"}),
        ('He said "no, [then] {"a": [1, ]}.', {"a": [1]}),
        ('{"a": "two\nlines"}', {"a": "two\nlines"}),
        ('```json\n{"code": "```py\\n```"}\n```', {"code": "```py\n```"}),
        ('A: {"a": 1}\nB: {"b": 22}', {"b": 22}),
    ],
)
def test_json_is_found(text, value):
    """In a fence or in prose, with commas too many; of several values in prose the longest."""
    assert parse_json(text) == value


@given(VALUES)
def test_what_was_written_as_json_is_read(value):
    """Plain, and in a fence."""
    assert parse_json(json.dumps(value)) == value
    assert parse_json(f"```json\n{json.dumps(value, indent=1)}\n```") == value


@pytest.mark.parametrize(
    ("text", "shown"),
    [("", "''"), ("no {json} here", "'no {json} here'"), ("x" * 300, f"'{'x' * 200}'..."), ("[" * 300, f"'{'[' * 200}'...")],
)
def test_what_is_no_json_is_shown(text, shown):
    """Its beginning."""
    with pytest.raises(ValueError) as error:  # noqa: PT011  (the whole message is compared)
        parse_json(text)
    assert str(error.value) == f"parse_json: there is no JSON in {shown}"


@pytest.mark.parametrize("text", ["[" * 200_000, '{"a": ' * 50_000, '"' * 500_000, "```\n" * 100_000, "{,\n" * 100_000])
def test_hostile_replies_take_seconds_at_most(text):
    """No pass over the text is made too often."""
    began = time.process_time()
    with pytest.raises(ValueError, match="there is no JSON"):
        parse_json(text)
    assert time.process_time() - began < 10
