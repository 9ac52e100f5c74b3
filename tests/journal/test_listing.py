"""A run as a listing of what was run."""

import re

from fakes import FakeModel, python

from orchestrator.journal.listing import listing

REPLIES = [
    '[{"op": "find", "text": "green", "store": "hits"}, {"op": "llm_query", "prompt": "${hits}?"}]',
    "I think about it.",
    python("print('a\\nb')\n1 / 0"),
    python("lost = 1\nwhile True: pass"),
    '{"op": "final", "answer": "${hits}"}',
]


async def test_commands_code_and_what_they_printed_are_listed_in_order(run_query):
    """Commands one a line as they were run; all else is a comment."""
    journal = await run_query(FakeModel(REPLIES), text="red\ngreen\n", max_iterations=8)
    listed = re.sub(r"That was after [\d.]+ seconds", "That was after SECONDS seconds", listing(journal.events))
    assert (
        listed
        == f"""\
# Run {journal.run_id}, about: text, 10 characters
# Question: What is it?

# Cell 1, turn 1
{{"op":"find","on":null,"store":"hits","text":"green","invert":false}}
{{"op":"llm_query","prompt":"${{hits}}?","store":null}}
# Sub-call 1: green?
# Reply 1: GREEN?
# Printed:
#   command 1 (find):
#   1 lines hold 'green' (numbers from 0), stored in hits:
#   L1: green
#   command 2 (llm_query):
#   GREEN?

# Turn 2, nothing was run: it has no block of code and no command

# Cell 2, turn 3
print('a\\nb')
1 / 0
# Printed:
#   a
#   b
# Exception:
#   Traceback (most recent call last):
#     File "<cell 2>", line 2, in <module>
#       1 / 0
#       ~~^~~
#   ZeroDivisionError: division by zero

# Cell 3, turn 4
lost = 1
while True: pass
# Rolled back: It used up its fuel of 3000000000 units: do less in one block. modules.regex, .csv, .json and .text pass over \
all of `context` many times faster than a loop. That was after SECONDS seconds of computing, in line 2: `while True: pass`. Nothing of the block was kept; all variables are what they were before it.

# Cell 4, turn 5
{{"op":"final","answer":"${{hits}}"}}

# Answer: green
"""
    )


async def test_a_run_that_failed_is_listed_with_its_failure(run_query):
    """And its partial answer."""
    journal = await run_query(FakeModel([python("answer['content'] = 'so far'"), python("1"), "no"]), max_iterations=2)
    assert listing(journal.events).endswith(
        "\n# Partial answer: so far\n\n# max_iterations: max_iterations (2) was reached before an answer\n"
    )


async def test_what_ends_a_line_in_python_does_not_end_a_comment(run_query):
    """Each line of a text begins as a comment."""
    journal = await run_query(FakeModel([python("FINAL('a\\rb\\x0cc\\u2028d')")]))
    assert listing(journal.events).endswith("\n# Answer:\n#   a\n#   b\n#   c\n#   d\n")
