"""The scripted provider: replies from a file, never an invented one."""

import pytest
from fakes import asked

from orchestrator.config import ScriptedSettings
from orchestrator.errors import ConfigError, NotScripted, ProviderError
from orchestrator.providers.messages import Message
from orchestrator.providers.scripted import ScriptedProvider

SCRIPT = """
[[rules]]
query = "how many"
replies = ["first", "second"]

[[sub_calls]]
pattern = 'of (?P<name>\\w+)'
reply = "It is ${name}, for $5 and ${nobody}."
"""


@pytest.fixture
def provider(tmp_path):
    (tmp_path / "s.toml").write_text(SCRIPT)
    return ScriptedProvider(ScriptedSettings(model=str(tmp_path / "s.toml")))


def root(*replies, query="Question: how many?"):
    said = [Message("assistant", reply) for reply in replies]
    return (Message("system", "s"), Message("user", query), *said)


async def test_replies_come_in_order(provider):
    """Which one is next is counted in the messages."""
    assert (await asked(provider, root())).text == "first"
    assert (await asked(provider, root("first"))).text == "second"


async def test_a_script_that_is_over_is_an_error(provider):
    """No third reply is made up."""
    with pytest.raises(ProviderError) as error:
        await asked(provider, root("first", "second"))
    assert str(error.value) == "scripted:s.toml: the script has no reply 3 for this query"


async def test_a_sub_call_is_answered_by_its_template(provider):
    """Named groups are filled in, everything else stays."""
    completion = await asked(provider, (Message("user", "the capital of Norway"),))
    assert completion.text == "It is Norway, for $5 and ${nobody}."


async def test_a_sub_call_without_a_rule_is_an_error(provider):
    """It is named as the script's gap."""
    with pytest.raises(ProviderError) as error:
        await asked(provider, (Message("user", "anything"),))
    assert str(error.value) == "scripted:s.toml: the script has no rule for this sub-call"


def test_a_query_without_a_rule_is_refused_before_a_run(provider):
    """The message says what to do."""
    provider.check("how many are there?")
    with pytest.raises(NotScripted) as error:
        provider.check("why?")
    assert str(error.value) == (
        "the scripted model has no rule for this query; it knows only those of its script. "
        "To ask anything, name a real model: `rlm init` writes a config.toml with one that it finds."
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rules = 1", "Expected `array`, got `int` - at `$.rules`"),
        ("[[rules]]\nquery = 'x'", "Object missing required field `replies` - at `$.rules[0]`"),
        (
            "[[sub_calls]]\npattern = '('\nreply = 'x'",
            "sub_calls[0]: pattern '(': missing ), unterminated subpattern at position 0",
        ),
    ],
)
def test_a_broken_script_is_a_configuration_error(tmp_path, text, message):
    """It names the file and the place."""
    path = tmp_path / "s.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as error:
        ScriptedProvider(ScriptedSettings(model=str(path)))
    assert str(error.value) == f"providers: the script {path}: {message}"


async def test_a_folder_of_scripts_is_one_script(tmp_path):
    """In the order of their names, whatever else lies there: the first rule that matches is taken."""
    (tmp_path / "b.toml").write_text(SCRIPT.replace("first", "later"))
    (tmp_path / "a.toml").write_text(SCRIPT.replace("It is", "It was"))
    (tmp_path / "notes.txt").write_text("none of it")
    provider = ScriptedProvider(ScriptedSettings(model=str(tmp_path)))
    assert (await asked(provider, root())).text == "first"
    assert (await asked(provider, (Message("user", "of Oslo"),))).text == "It was Oslo, for $5 and ${nobody}."


def test_a_folder_without_scripts_is_a_configuration_error(tmp_path):
    """It says what one would be called."""
    with pytest.raises(ConfigError) as error:
        ScriptedProvider(ScriptedSettings(model=str(tmp_path)))
    assert str(error.value) == f"providers: the folder {tmp_path} has no script, which would be a file NAME.toml"


BY_LINES = """
[[sub_calls]]
pattern = '^Which of these are cities'
reply = '{"value": [${lines}]}'

[[sub_calls.lines]]
pattern = '^(?P<number>\\d+): (Oslo|Bergen)$'
reply = '[${number}, "city"]'

[[sub_calls.lines]]
pattern = '^(?P<number>\\d+):'
reply = '[${number}, "none"]'
"""


async def test_a_sub_call_about_many_lines_has_a_reply_to_each(tmp_path):
    """The first rule that matches a line is taken; a line without one has none."""
    (tmp_path / "s.toml").write_text(BY_LINES)
    provider = ScriptedProvider(ScriptedSettings(model=str(tmp_path / "s.toml")))
    completion = await asked(provider, (Message("user", "Which of these are cities?\n\n1: Oslo\n2: a lamp\n3: Bergen"),))
    assert completion.text == '{"value": [[1, "city"], [2, "none"], [3, "city"]]}'
