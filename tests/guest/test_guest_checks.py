"""Answers checked by sub-models, in the sandbox."""

import pytest

from orchestrator.sandbox.messages import SubReply


def replying(*replies):
    async def ask(prompts):
        ask.batches.append(list(prompts))
        return [SubReply(text=replies[number % len(replies)]) for number, _ in enumerate(prompts)]

    ask.batches = []
    return ask


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        ("YES, it is.", (True, "YES, it is.")),
        ("**No.** It is 4.\n", (False, "**No.** It is 4.")),
        ("Nobody knows.", (False, "Nobody knows.")),
    ],
)
async def test_an_answer_is_verified(run_cells, reply, found):
    """What is neither yes nor no is no."""
    model = replying(reply)
    assert (await run_cells("verify_answer(5, 'What is 2 + 2?')", ask=model)).head == f"{found}\n"
    assert model.batches == [
        ["What is 2 + 2?\n\nThis answer was given:\n5\n\nIs it right and complete? Reply YES or NO, and why in one sentence."]
    ]


async def test_the_consensus_is_the_answer_that_comes_most_often(run_cells):
    """Whatever its case and last full stop, as it was first written; asked for all at once."""
    model = replying("Oslo.", "Bergen", "oslo")
    assert (await run_cells("consensus_check('Where?', num_attempts=4)", ask=model)).head == "('Oslo.', 0.75)\n"
    assert model.batches == [["Where?"] * 4]


async def test_no_attempts_are_no_consensus(run_cells):
    """A ValueError that names the parameter."""
    error = (await run_cells("consensus_check('Where?', 0)")).error
    assert error.splitlines()[-1] == "ValueError: consensus_check: num_attempts must be at least 1, not 0"
