"""What a root model is told of its replies, in the language that it is taught."""

from typing import Any

from orchestrator.budget import Budget
from orchestrator.config import CellLimits, Protocol
from orchestrator.dialogue import typed
from orchestrator.sandbox.messages import CellKind, Trap

# How an answer is given, and a reply.
_ANSWER: dict[Protocol, str] = {"python": "FINAL(value)", "json": '{"op": "final", "answer": ...}'}
_REPLY: dict[Protocol, str] = {
    "python": "Reply with Python between a line ```python and a line ```; to answer, call FINAL(value) in it. (JSON commands "
    "are understood too.)",
    "json": 'Reply with one JSON command, or an array of them; to answer: {"op": "final", "answer": ...}. (Python in a block '
    "is understood too.)",
}


_FAILED: dict[CellKind, str] = {
    "python": "raised an exception (what it assigned before is kept)",
    "commands": "failed at a command (what those before it stored is kept)",
}


def cell_report(cell: int, kind: CellKind, shown: str, length: int, error: str | None) -> str:
    """The output of one cell, cut to what the root may see, and its error."""
    parts = [f"Block {cell} printed {length} characters:\n{shown}" if length else f"Block {cell} printed nothing."]
    if error:
        parts.append(f"Block {cell} {_FAILED[kind]}:\n{error}")
    return "\n".join(parts)


def rolled_back_message(trap: Trap, kind: CellKind, limits: CellLimits, answered: int) -> str:
    """Which limit stopped a block, how far it was and where, what is left of it, what to do instead.

    `answered`: the sub-calls that it had got answers to.
    """
    reasons = {
        "fuel": f"It used up its fuel of {trap.fuel} units: do less in one block. {_advice(trap, kind)}",
        "seconds": f"It computed for more than {limits.seconds:g} seconds: do less in one block. {_advice(trap, kind)}",
        "stack": "It nested too deeply for the sandbox's stack: use a loop instead of recursion.",
        "transfer": "It handed more than 128 MiB to the host at once: send, print or answer less.",
        "aborted": "It ended the interpreter itself, or ran out of memory where Python cannot recover: use less memory.",
    }
    kept = f" It had {answered} sub-calls answered: the same prompts get the same answers again, free." if answered else ""
    left = "all variables are what they were before it."
    if trap.lost:
        left = "an earlier block had broken the interpreter, so all variables are lost; `context` and the functions are there."
    place = f", in line {trap.line.number}: `{trap.line.text}`" if trap.line else ""
    far = f"That was after {trap.seconds:.1f} seconds of computing{place}."
    return f"{reasons[trap.kind]} {far} Nothing of the block was kept; {left}{kept}"


def _advice(trap: Trap, kind: CellKind) -> str:
    if kind == "commands":
        return "Work on a part of the input with on, or let a function of a module pass over all of it."
    if trap.within == "re":
        return (
            "It was within a regular expression: where a pattern can match the same text in many ways, as (a+)+ can, re tries "
            "them all. modules.regex takes most patterns in linear time, over all of `context`."
        )
    return "modules.regex, .csv, .json and .text pass over all of `context` many times faster than a loop."


def not_run_message(count: int) -> str:
    return f"The remaining {count} block(s) of your reply were not run."


def unparsed_message(reason: str, protocol: Protocol) -> str:
    return f"Nothing in your reply was run: {reason}. {_REPLY[protocol]}"


def final_beside_blocks(protocol: Protocol) -> str:
    return (
        "FINAL(...) outside of a block was not taken, as you wrote it before you saw this output: if it is still the answer, "
        f"give it in a block: {_ANSWER[protocol]}."
    )


CUT_REPLY = (
    "Your reply was cut off at its token limit: what came after the cut is lost, and a block that was open there was not run. "
    "Write shorter replies; a long text is built in a variable, in parts."
)


def repeated_message(protocol: Protocol) -> str:
    return (
        "You have sent the same reply three times, and it fails each time. Do something else: read the message above, take a "
        f"smaller step, or answer with {_ANSWER[protocol]} from what you have. The same reply once more ends the run."
    )


def status(budget: Budget, protocol: Protocol) -> str:
    """The line under every report: what is left."""
    left = budget.iterations_left
    lines = [f"({_listed([f'{left} replies', f'{budget.sub_calls_left} sub-calls', *_spendable(budget)])} left.)"]
    if budget.refused:
        lines.append(f"The sub-calls are used up: this is your last reply. Answer with {_ANSWER[protocol]} from what you have.")
    elif left == 1:
        lines.append(f"This is your last reply: answer with {_ANSWER[protocol]} from what you have.")
    return "\n".join(lines)


def _spendable(budget: Budget) -> list[str]:
    """Of the limits that are set."""
    tokens = [] if budget.tokens_left is None else [f"{budget.tokens_left:,} tokens"]
    return tokens if budget.cost_left is None else [*tokens, f"${budget.cost_left:.4f}"]


def _listed(parts: list[str]) -> str:
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def best_answer(schema: dict[str, Any] | None) -> str:
    """After the last reply: `schema`, what the answer has to fit, if anything."""
    if schema is not None:
        return f"No replies are left. Answer with the best that what you have seen supports. {typed.instruction(schema)}"
    return (
        "No replies are left. Answer the question now, in plain text, with the best answer that what you have seen supports; "
        "say what is uncertain."
    )


def shorten(head: str, tail: str, length: int, limit: int) -> str:
    """At most `limit` code points of an output of `length`, its beginning and its end, and how many are left out.

    `head` and `tail` are what was kept of it: tail follows head, or repeats none of it.
    """
    whole = head + tail
    if length <= limit:
        return whole
    half = limit // 2
    beginning, end = whole[:half], whole[-half:]
    # At the ends of lines, if that costs less than half of either.
    beginning = beginning[: beginning.rfind("\n", half // 2)] if beginning.find("\n", half // 2) >= 0 else beginning
    end = end[end.find("\n", 0, half // 2) + 1 :]
    left_out = f"[... {length - len(beginning) - len(end)} characters left out; print less, or keep it in a variable ...]"
    return f"{beginning}\n{left_out}\n{end}"
