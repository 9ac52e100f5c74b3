"""What replies of commands are held to."""

import json
import re

from orchestrator.dialogue.command_schema import Call, schema
from orchestrator.dialogue.command_text import parse_block
from orchestrator.dialogue.commands import TAUGHT, Malformed, Stored, form
from orchestrator.sandbox.guest import describe

FUNCTIONS = ("regex.top", "csv.select")


def test_it_is_an_object_of_the_taught_commands_and_no_other():
    """A server that wants an object at the root finds one; a thought may stand first."""
    whole = schema(FUNCTIONS)
    assert (whole["type"], whole["required"], list(whole["properties"])) == ("object", ["commands"], ["thought", "commands"])
    assert (whole["properties"]["commands"]["minItems"], whole["properties"]["commands"]["maxItems"]) == (1, 20)
    names = [each["$ref"].rpartition("/")[2] for each in whole["properties"]["commands"]["items"]["anyOf"]]
    assert names == [each.__name__ for each in (*TAUGHT, Call)] == list(whole["$defs"])
    for name, command in zip(names, TAUGHT, strict=False):
        shape = whole["$defs"][name]
        assert shape["properties"]["op"] == {"enum": [command.__struct_config__.tag]}
        assert (shape["additionalProperties"], set(shape["properties"])) == (False, {"op", *command.__struct_fields__})
        assert all(f'"{field}": ' in form(command) for field in shape["required"])


def test_functions_are_called_by_their_names():
    """One shape for all of them."""
    shape = schema(FUNCTIONS)["$defs"]["Call"]
    assert (shape["properties"]["op"], shape["required"]) == ({"enum": ["regex.top", "csv.select"]}, ["op"])


async def test_the_shape_has_the_arguments_of_all_functions(engine):
    """And no other, but for `args`, which added modules have."""
    functions = [each for each in await describe(engine) if each.name.startswith("modules.")]
    arguments = {name for each in functions for name in re.findall(r"(\w+)(?==|[,)])", each.signature)}
    values = {"None", "True", "False", "text", "proper_nouns"}
    own = set(Call.__struct_fields__) - set(Stored.__struct_fields__) - {"args"}
    assert {name for name in arguments - values if not name.isdigit()} == own


def test_it_is_small_and_has_no_empty_schema():
    """Which llama.cpp takes for an object's; nor what others do not know."""
    text = json.dumps(schema(FUNCTIONS))
    words = set(re.findall(r'"([a-zA-Z$]+)":', text)) & {"pattern", "oneOf", "allOf", "not", "if", "format", "const"}
    assert (len(text) < 9500, "{}" in text, words) == (True, False, {"pattern"})
    assert text.count('"pattern":') == 2  # as a field of regex and of a function


def test_a_reply_of_that_shape_is_understood():
    """The thought is passed over."""
    reply = {"thought": "first count", "commands": [{"op": "regex.count", "pattern": "a", "on": None}, {"op": "len"}]}
    parsed = parse_block(json.dumps(reply))
    assert len(parsed) == 2
    assert not any(isinstance(each, Malformed) for each in parsed)
