"""JSON as models write it, and what it is read as."""

import pytest

from orchestrator.dialogue.command_text import parse_block, parse_prose
from orchestrator.dialogue.commands import Len, Print, Python, Regex
from orchestrator.dialogue.json_text import read_json

WRITTEN = {
    "escapes_of_a_pattern": (r'{"op": "regex", "pattern": "\bAda\b \d+\\.\u0041"}', Regex(pattern=r"\bAda\b \d+\.A")),
    "a_backspace_alone": (r'{"op": "regex", "pattern": "\bAda\b"}', Regex(pattern=r"\bAda\b")),
    "half_an_escape": (r'{"op": "print", "value": "\u00"}', Print(value=r"\u00")),
    "a_comma_too_many": ('[{"op": "print", "value": "a,]"},\n]', Print(value="a,]")),
    "a_comment": ('[{"op": "print", "value": "//a"}, // the last, "so"\n]', Print(value="//a")),
    "a_line_end_in_a_text": ('{"op": "python", "code": "if n:\n    print(n)"}', Python(code="if n:\n    print(n)")),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_commands_that_are_nearly_json_are_understood(name):
    """In a block, and bare in a reply."""
    text, command = WRITTEN[name]
    assert parse_block(text) == parse_prose(f"So:\n{text}") == (command,)


def test_what_follows_a_mended_command_is_read_from_its_end():
    """Each backslash that was added moves it."""
    assert read_json(r'["\d\d", "\w",] then', 0) == ([r"\d\d", r"\w"], 15)
    assert parse_block('{"op": "print", "value": "\\d"}{"op": "len"}') == (Print(value=r"\d"), Len())


def test_json_is_read_as_it_is():
    """Its own escapes, and what looks like a comment or a comma too many inside of a text."""
    assert read_json(r'["\\d \" \/ \t \ud83d\ude00", "// ,]"]', 0) == ([r'\d " / ' + "\t 😀", "// ,]"], 38)


@pytest.mark.parametrize("part", ['"\\d",', "//", ", ", "\\", "[", '"'])
def test_a_long_hostile_text_is_mended_only_so_far(part):
    """What is beyond is told to be broken."""
    with pytest.raises(ValueError, match=r": |nested too deeply"):
        read_json("[" + part * (1_000_000 // len(part)) + "\\d", 0)
