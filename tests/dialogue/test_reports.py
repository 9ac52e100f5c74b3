"""What a model is told of its replies."""

from orchestrator.budget import Budget, RunLimits
from orchestrator.dialogue import reports


def limits(max_iterations, max_sub_calls):
    return RunLimits(max_iterations=max_iterations, max_sub_calls=max_sub_calls, max_seconds=60.0, max_fuel=10**12)


def test_output_within_the_limit_is_whole():
    """head and tail of an output that was not cut are the output."""
    assert reports.shorten("abc", "def", 6, 100) == "abcdef"


def test_the_last_reply_is_announced():
    """The model is told to answer while it still can."""
    budget = Budget(limits(2, 5))
    budget.take_turn()
    assert reports.status(budget, "python") == (
        "(1 replies and 5 sub-calls left.)\nThis is your last reply: answer with FINAL(value) from what you have."
    )


def test_a_long_output_is_cut_at_the_ends_of_lines():
    """Its beginning and its end, and how much lies between."""
    whole = "".join(f"line {number}\n" for number in range(1000))
    assert reports.shorten(whole[:500], whole[-500:], len(whole), 40) == (
        "line 0\nline 1\n[... 8859 characters left out; print less, or keep it in a variable ...]\nline 998\nline 999\n"
    )


def test_a_long_line_is_cut_where_it_must_be():
    """There is no end of a line near."""
    assert reports.shorten("a" * 50, "b" * 50, 100, 20) == (
        "aaaaaaaaaa\n[... 80 characters left out; print less, or keep it in a variable ...]\nbbbbbbbbbb"
    )


def test_each_language_is_told_in_its_own():
    """How to reply, how to answer."""
    budget = Budget(limits(1, 0))
    assert reports.unparsed_message("why", "json").startswith(
        'Nothing in your reply was run: why. Reply with one JSON command, or an array of them; to answer: {"op": "final", '
    )
    assert reports.status(budget, "json").splitlines()[-1] == (
        'This is your last reply: answer with {"op": "final", "answer": ...} from what you have.'
    )
    assert 'answer with {"op": "final", "answer": ...}' in reports.repeated_message("json")
    assert reports.cell_report(1, "commands", "", 0, "no such variable") == (
        "Block 1 printed nothing.\nBlock 1 failed at a command (what those before it stored is kept):\nno such variable"
    )
