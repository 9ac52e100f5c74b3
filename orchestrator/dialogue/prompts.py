"""The texts that are sent to a model. Limits are its run's own; names and signatures come from the guest itself."""

from collections.abc import Sequence

import msgspec

from orchestrator.budget import Budget, RunLimits
from orchestrator.config import CellLimits, Protocol
from orchestrator.dialogue.commands import KNOWN, form
from orchestrator.sandbox.messages import FUEL_PER_SECOND, Function, Trap


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What a run works under; `sub_prompt_chars`: what a sub-model can read, if that is known."""

    limits: RunLimits
    cell_limits: CellLimits
    output_limit: int
    sub_prompt_chars: int | None = None


def system(protocol: Protocol, functions: Sequence[Function], terms: Terms) -> str:
    """What a root model is told before the query."""
    limits = terms.limits
    reads = f" (a prompt: about {terms.sub_prompt_chars} characters at most)" if terms.sub_prompt_chars else ""
    taught = _json_protocol(functions) if protocol == "json" else _python_protocol(functions)
    return f"""\
You answer a question about an input that is too large for you to read. You see of it only what you ask for, and go on from \
there.

{taught}

Limits: {limits.max_iterations} replies, {limits.max_sub_calls} sub-calls in all{reads}; of each block's output you see \
{terms.output_limit} characters; a block may compute for about {_seconds(terms.cell_limits):g} seconds (waiting for sub-models \
is free) and use {terms.cell_limits.memory_bytes // 2**20} MiB of memory. A block that is stopped at a limit leaves all \
variables as they were before it."""


def _seconds(limits: CellLimits) -> float:
    """Which limit of work binds: fuel, counted in seconds of the guest's own clock, or time."""
    return min(limits.seconds, float(f"{limits.fuel / FUEL_PER_SECOND:.2g}"))


def _python_protocol(functions: Sequence[Function]) -> str:
    available = "\n".join(f"- {each.signature}: {each.summary}" for each in functions)
    return f"""\
The input is the variable `context` of a Python session. Reply with Python in a fenced block (```python). It is run, and you \
see its output. Variables, functions and imports stay from one block to the next. An exception keeps what was assigned before \
it.

`context` is a str; or a list of str (documents; `context.names` has their names, None for one without); or a parsed JSON \
value; or a chat, a list of dicts with role and content. One that is larger than the memory only answers as a str or a list \
does (loops, slices, methods, re): print, join and json.dumps slices of it. \
Only Python's standard library is there: no files, no network, no threads, no other packages. You can call:
{available}

How to work:
1. Look first: print lengths and small samples.
2. Let code do what code can do (search, count, split, compare), over the whole of `context`; the functions of `modules` do \
much of it many times faster than Python (over all of `context`, unless text= is given).
3. Give what needs understanding to a sub-model: it sees nothing but the prompt that you write, so put the passage into it. \
Send independent prompts together with llm_batch. A failed sub-call raises LLMError.
4. Check a result before you answer. Then call FINAL(value) in a block of its own; for a long answer build a variable and call \
FINAL_VAR(name). Never answer with something that you have not seen your code find."""


def _json_protocol(functions: Sequence[Function]) -> str:
    forms = "\n".join(f"- {form(each)}: {(each.__doc__ or '').splitlines()[0]}" for each in KNOWN)
    modules = [each for each in functions if each.name.startswith("modules.")]
    called = "\n".join(f"- {each.signature.removeprefix('modules.')}: {each.summary}" for each in modules)
    return f"""\
Reply with JSON commands: one object, or an array of them, run in order. "on" names a variable to work on; without it a \
command works on the whole input. "store" keeps the whole result in a variable; what you see of it may be cut. ${{name}} in a \
text is the value of that variable.
{forms}

The modules and their functions; instead of text, name a variable with "on":
{called}

How to work:
1. Look first: len, lines, slice.
2. Search and count over the whole input, and store what you find.
3. Give what needs understanding to a sub-model with llm_query: it sees nothing but the prompt, so put ${{name}} of the \
passage into it.
4. Check a result before you answer with final or final_var."""


def question(query: str, kind: str, length: int, count: int) -> str:
    """The first message: the query, and what the context is."""
    what = {
        "text": f"a str of {length} characters",
        "documents": f"a list of {count} documents (str), {length} characters in all",
        "json": f"a parsed JSON value, {length} characters as JSON",
        "messages": f'a chat: a list of {{"role", "content"}}, {length} characters as JSON',
    }[kind]
    return f"Question: {query}\n\n`context` is {what}. Begin by looking at it."


def cell_report(cell: int, shown: str, length: int, error: str | None) -> str:
    """The output of one cell, cut to what the root may see, and its error."""
    parts = [f"Block {cell} printed {length} characters:\n{shown}" if length else f"Block {cell} printed nothing."]
    if error:
        parts.append(f"Block {cell} raised an exception (what it assigned before is kept):\n{error}")
    return "\n".join(parts)


def rolled_back_message(trap: Trap, limits: CellLimits, answered: int) -> str:
    """Which limit stopped a block, how far it was, what is left of it, what to do instead.

    `answered`: the sub-calls that it had got answers to.
    """
    reasons = {
        "fuel": f"It used up its fuel of {trap.fuel} units: do less in one block. {_advice(trap)}",
        "seconds": f"It computed for more than {limits.seconds:g} seconds: do less in one block. {_advice(trap)}",
        "stack": "It nested too deeply for the sandbox's stack: use a loop instead of recursion.",
        "transfer": "It handed more than 128 MiB to the host at once: send, print or answer less.",
        "aborted": "It ended the interpreter itself, or ran out of memory where Python cannot recover: use less memory.",
    }
    kept = f" It had {answered} sub-calls answered: the same prompts get the same answers again, free." if answered else ""
    left = "all variables are what they were before it."
    if trap.lost:
        left = "an earlier block had broken the interpreter, so all variables are lost; `context` and the functions are there."
    far = f"That was after {trap.seconds:.1f} seconds of computing."
    return f"{reasons[trap.kind]} {far} Nothing of the block was kept; {left}{kept}"


def _advice(trap: Trap) -> str:
    if trap.within == "re":
        return (
            "It was within a regular expression: where a pattern can match the same text in many ways, as (a+)+ can, re tries "
            "them all. modules.regex takes most patterns in linear time, over all of `context`."
        )
    return "modules.regex, .csv, .json and .text pass over all of `context` many times faster than a loop."


def not_run_message(count: int) -> str:
    return f"The remaining {count} block(s) of your reply were not run."


def unparsed_message(reason: str) -> str:
    return (
        f"Nothing in your reply was run: {reason}. Reply with Python between a line ```python and a line ```; "
        "to answer, call FINAL(value) in it. (JSON commands are understood too.)"
    )


FINAL_BESIDE_BLOCKS = (
    "FINAL(...) outside of a block was not taken, as you wrote it before you saw this output: if it is still the answer, call "
    "FINAL(value) in a block."
)
CUT_REPLY = (
    "Your reply was cut off at its token limit: what came after the cut is lost, and a block that was open there was not run. "
    "Write shorter replies; a long text is built in a variable, in parts."
)
REPEATED_REPLY = (
    "You have sent the same reply three times, and it fails each time. Do something else: read the message above, take a "
    "smaller step, or answer with FINAL(value) from what you have. The same reply once more ends the run."
)


def status(budget: Budget) -> str:
    """The line under every report: what is left."""
    left = budget.iterations_left
    lines = [f"({left} replies and {budget.sub_calls_left} sub-calls left.)"]
    if budget.refused:
        lines.append("The sub-calls are used up: this is your last reply. Answer with FINAL(value) from what you have.")
    elif left == 1:
        lines.append("This is your last reply: answer with FINAL(value) from what you have.")
    return "\n".join(lines)


BEST_ANSWER = (
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
    left_out = f"[... {length - 2 * half} characters left out; print less, or keep it in a variable ...]"
    return f"{whole[:half]}\n{left_out}\n{whole[-half:]}"
