"""A run as a script: the same output and answer in plain CPython."""

import subprocess
import sys

import pytest
from fakes import FakeModel, python
from processes import rlm

from orchestrator.errors import JournalError
from orchestrator.journal.export import script
from orchestrator.journal.lines import to_lines

QUERY_CELLS = [
    python("parts = context.split()\nprint(len(parts))"),
    python("lost = llm_query('never mind')\nwhile True: pass"),
    python("kept = 1\nprint('before')\n1 / 0"),
    python("replies = llm_batch(parts)\nprint(replies)"),
    python("FINAL({'first': replies[0], 'kept': kept, 'é': '\\u2713'})"),
]


def run_script(text, context, tmp_path):
    (tmp_path / "script.py").write_text(text)
    (tmp_path / "context").write_text(context)
    command = [sys.executable, "-I", tmp_path / "script.py", tmp_path / "context"]
    return subprocess.run(command, capture_output=True, text=True, check=True, encoding="utf-8").stdout


async def test_an_exported_run_does_the_same_in_plain_python(run_query, tmp_path):
    """Cells in order, sub-calls answered from the journal, the rolled-back cell as a comment, the exception as one."""
    journal = await run_query(FakeModel(list(QUERY_CELLS)), text="red green", max_iterations=8)
    text = script(journal.events)
    assert run_script(text, "red green", tmp_path) == (
        '2\nbefore\nZeroDivisionError: division by zero\n[\'RED\', \'GREEN\']\nANSWER: {"first": "RED", "kept": 1, "é": "✓"}\n'
    )
    assert "# It was rolled back: It used up its fuel of 3000000000 units: " in text
    assert "\n# while True: pass\n" in text


async def test_what_a_cell_did_not_import_is_there(run_query, tmp_path):
    """As in the run."""
    cell = python(
        "FINAL([re.findall('c', 'c'), json.loads('1'), math.floor(1.5), Counter('c'), defaultdict(int), [*itertools.chain('c')], collections.deque('c').pop()])"
    )
    journal = await run_query(FakeModel([cell]), text="c")
    assert run_script(script(journal.events), "c", tmp_path) == 'ANSWER: [["c"], 1, 1, {"c": 1}, {}, ["c"], "c"]\n'


async def test_calls_of_modules_are_answered_from_the_journal(run_query, tmp_path):
    """Whatever the context that the script is given."""
    cell = python(
        "print(modules.regex.count('c'), modules.json.select(text='{\"a\": 1}\\n{\"a\": 2}'))\ntry: modules.regex.count('(')\nexcept ModuleError as error: print(error)"
    )
    journal = await run_query(FakeModel([cell, python("FINAL(modules.text.describe()['lines'])")]), text="c\nc")
    assert run_script(script(journal.events), "another", tmp_path) == (
        "2 [{'a': 1}, {'a': 2}]\nregex.count: \"(\", character 1: unclosed group\nANSWER: 2\n"
    )


@pytest.mark.parametrize("query", ['"""', "a\\", "a\nb", "x' + open('/etc/passwd').read() + '", "\\N{x}", "{cells}"])
async def test_a_hostile_query_stays_in_its_comment(run_query, tmp_path, query):
    """It stands in the script as text only."""
    journal = await run_query(FakeModel([python("FINAL(1)")]))
    events = list(journal.events)
    events[0] = type(events[0])(**({name: getattr(events[0], name) for name in events[0].__struct_fields__} | {"query": query}))
    assert run_script(script(events), "c", tmp_path) == "ANSWER: 1\n"


async def test_a_rolled_back_cell_stays_a_comment(run_query, tmp_path):
    """Whatever ends its lines."""
    code = "x = 1\rprint('out')\r\x0cprint('out')\nwhile True: pass"
    journal = await run_query(FakeModel([python(code), python("FINAL(1)")]))
    assert run_script(script(journal.events), "c", tmp_path) == "ANSWER: 1\n"


async def test_commands_cannot_be_exported(run_query):
    """The cell is named."""
    journal = await run_query(FakeModel(['{"op": "final", "answer": "x"}']))
    with pytest.raises(JournalError) as error:
        script(journal.events)
    assert str(error.value) == "cell 1 (turn 1): JSON commands are no Python; export --commands lists them"


async def test_the_command_writes_the_script(run_query, tmp_path):
    """`rlm export JOURNAL --script`, on stdout; a journal that cannot be read is one line and exit status 2 or 1."""
    journal = await run_query(FakeModel([python("FINAL(len(context))")]))
    (tmp_path / "journal").write_bytes(b"".join(to_lines(journal.events)))
    assert await rlm("export", tmp_path / "journal", "--script") == (0, script(journal.events), "")
    assert await rlm("export", tmp_path / "nothing", "--script") == (
        2,
        "",
        f"rlm: {tmp_path}/nothing: there is no such file\n",
    )
    (tmp_path / "journal").write_bytes(b"not a journal")
    assert await rlm("export", tmp_path / "journal", "--script") == (1, "line 1: not a line of a journal\n", "")
