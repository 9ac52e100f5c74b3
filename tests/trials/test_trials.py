"""The harness of `make trials`, with a scripted player: whatever plays, right is right and wrong is wrong."""

import asyncio
import json
import re

import generated
import pytest
from players import Mailbox
from tasks import no_answer, number, text, value
from trials import Row, main, make_tasks, play, summary

from orchestrator.providers.messages import Message

PHRASES = {
    re.escape(phrase).replace(r"\{\}", ".+"): label
    for table in (generated._ASKS, generated._CAUSES)
    for label, phrases in table.items()
    for phrase in phrases
}


class Player:
    """Scripted: as a root model it sends the solution of the task that it is asked, as a sub-model it sorts by the templates."""

    name = "scripted"

    def __init__(self, tasks):
        self.tasks = tasks

    async def complete(self, messages, schema=None):
        if messages[0].role == "system":
            task = next(each for each in self.tasks if each.question in messages[1].content)
            if schema is None:
                return f"```python\n{task.solution}\n```"
            return json.dumps({"commands": [{"op": "final", "answer": "no such thing"}]})
        found = re.findall(r"^(\d+): (.*)$", messages[-1].content, re.MULTILINE)
        return (
            "\n".join(
                f"{n}: {next(label for pattern, label in PHRASES.items() if re.search(pattern, line))}" for n, line in found
            )
            or "nothing to sort"
        )


@pytest.fixture(scope="module")
def tasks():
    return list(make_tasks(seed=1))


def test_there_are_ten_kinds(tasks):
    """Of changelogs only where packages have left them."""
    kinds = [
        "semantic-count", "semantic-pairs", "multi-hop", "ledger", "causes", "unanswerable", "long-output", "needle", "code",
    ]  # fmt: skip
    assert [task.kind for task in tasks if task.kind != "changelog"] == kinds


def test_the_same_seed_makes_the_same_tasks(tasks):
    """And another one others."""
    again = list(make_tasks(seed=1, only=["ledger"]))
    assert [task.context for task in again] == [task.context for task in tasks if task.kind == "ledger"]
    assert [task.context for task in make_tasks(seed=2, only=["ledger"])] != [task.context for task in again]


def test_a_kind_that_is_not_there_is_told(monkeypatch, tmp_path):
    """Instead of an empty table."""
    monkeypatch.setattr("sys.argv", ["trials", "--mailbox", str(tmp_path), "--only", "ledger", "needles"])
    with pytest.raises(SystemExit, match=r"^trials: there is no kind needles; there are: semantic-count, semantic-pairs, "):
        main()


def test_who_plays_well_is_right_in_python(tasks):
    """Every kind can be solved with what a cell has."""
    rows = list(play(Player(tasks), tasks, ["python"], 0))
    assert [(row.task.kind, row.right, row.turns) for row in rows] == [(task.kind, True, 1) for task in tasks]
    assert sum(row.sub_calls for row in rows) == 10 + 2 + 4
    assert summary(rows).startswith(f"python: {len(tasks)} of {len(tasks)} right, ")


def test_who_answers_anything_is_wrong(tasks):
    """But where no answer is the right one."""
    rows = list(play(Player(tasks), tasks, ["json"], 0))
    assert [row.task.kind for row in rows if row.right] == ["unanswerable"]


def test_what_fits_is_asked_directly(tasks):
    """The question and the whole input in one call, on the same server."""
    rows = list(play(Player(tasks), tasks, ["direct"], 30_000))
    assert [row.task.kind for row in rows] == [task.kind for task in tasks if task.size <= 30_000] != []
    assert {(row.turns, row.sub_calls) for row in rows} == {(1, 0)}


def test_a_row_is_a_line_of_a_table(tasks):
    """Whatever the answer holds."""
    row = Row(tasks[0], "python", right=True, turns=2, sub_calls=10, tokens=12_345, seconds=1.26, answer="4|2\nof " + "x" * 100)
    assert str(row) == (f"| semantic-count | {tasks[0].size:,} | python | yes | 2 | 10 | 12,345 | 1.3 | 4\\|2 of {'x' * 52} |")


async def test_a_mailbox_asks_in_files(tmp_path):
    """The request is JSON; the reply is what is put beside it."""
    asked = asyncio.create_task(Mailbox(tmp_path / "box").complete((Message("user", "Why?"),)))
    request = tmp_path / "box" / "00001.request.json"
    while not request.exists():  # noqa: ASYNC110  (the other end is a folder)
        await asyncio.sleep(0.01)
    assert json.loads(request.read_text()) == [{"role": "user", "content": "Why?"}]
    (tmp_path / "box" / "00001.reply.txt").write_text("Because.")
    assert await asked == "Because."


@pytest.mark.parametrize(
    ("is_right", "right", "wrong"),
    [
        (number(1234), ["1234", "There are 1,234.", "Of 2000 lines 1234.00 do"], ["1234 of 2000", "none", ""]),
        (text("Oslo"), ["Oslo", "It is in oslo."], ["Osloer", "", "Bergen"]),
        (
            no_answer(),
            ["The input does not say it.", "There's nothing about it.", "I can't find it"],
            ["48213", "x" * 5000 + " not"],
        ),
        (value([{"a": 1}]), ['[{"a": 1}]', '```json\n[{"a":1}]\n```'], ["[]", "a: 1", "Here it is: []"]),
    ],
)
def test_what_is_right(is_right, right, wrong):
    """Numbers, words, the absence of an answer, JSON."""
    assert [is_right(each) for each in right] == [True] * len(right)
    assert [is_right(each) for each in wrong] == [False] * len(wrong)
