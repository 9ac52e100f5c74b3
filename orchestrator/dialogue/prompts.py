"""How a root model is told to work, and the question. Limits are its run's own; functions come from the guest itself."""

from collections.abc import Sequence
from typing import Any

import msgspec

from orchestrator.budget import RunLimits
from orchestrator.config import CellLimits, Protocol
from orchestrator.contexts.context import Context
from orchestrator.dialogue import typed
from orchestrator.dialogue.commands import TAUGHT, LLMDelegate, short_form
from orchestrator.dialogue.functions import listing, module_listing
from orchestrator.dialogue.preview import Form, form_of, preview
from orchestrator.sandbox.messages import FUEL_PER_SECOND, Function


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What a run works under; `sub_prompt_chars`: what a sub-model can read, if that is known.

    `answer_schema`: what the answer has to fit. `deeper`: it may have child runs.
    """

    protocol: Protocol
    limits: RunLimits
    cell_limits: CellLimits
    output_limit: int
    sub_prompt_chars: int | None = None
    answer_schema: dict[str, Any] | None = None
    deeper: bool = False


def system(terms: Terms, functions: Sequence[Function], context: Context) -> str:
    """What a root model is told before the query."""
    limits, looks = terms.limits, form_of(context)
    taught = _json_protocol(terms, functions, looks) if terms.protocol == "json" else _python_protocol(terms, functions, looks)
    paid = _spendable(limits)
    reads = f" (a prompt: about {terms.sub_prompt_chars:,} characters at most)" if terms.sub_prompt_chars else ""
    return f"""\
You answer a question about an input that is too large for you to read. You see of it only what you ask for, and go on from \
there.

{taught}

Limits: {limits.max_iterations} replies, {limits.max_sub_calls} sub-calls{paid} in all{reads}; of each block's output you see \
{terms.output_limit:,} characters; a block may compute for about {_seconds(terms.cell_limits):g} seconds (waiting for \
sub-models is free) and use {terms.cell_limits.memory_bytes // 2**20} MiB of memory. A block that is stopped at a limit leaves \
all variables as they were before it."""


def _spendable(limits: RunLimits) -> str:
    """Of the limits that are set."""
    tokens = "" if limits.max_total_tokens is None else f", {limits.max_total_tokens:,} tokens of prompts and replies"
    return tokens if limits.max_cost is None else f"{tokens}, ${limits.max_cost:g}"


def question(terms: Terms, query: str, context: Context, earlier: Sequence[tuple[str, str | None]] = ()) -> str:
    """The first message: the query, and what can be seen of the context at once. `earlier`: questions and their answers."""
    larger = [_LARGER] if context.is_lazy(terms.cell_limits.context_inline_limit) else []
    wanted = [typed.told(terms.answer_schema)] if terms.answer_schema else []
    return "\n".join([*_earlier(earlier), f"Question: {query}", *wanted, "", preview(context), *larger])


def _earlier(asked: Sequence[tuple[str, str | None]]) -> list[str]:
    """A line each."""
    if not asked:
        return []
    lines = [f"- {' '.join(query.split())} -> {' '.join((answer or 'no answer').split())}" for query, answer in asked]
    return ["Asked before over the same input; all variables are as your code left them then:", *lines, ""]


_LARGER = (
    "It is larger than the memory: it answers as a str or a list does (loops, slices, methods, re); print, join and json.dumps "
    "slices of it."
)


def _seconds(limits: CellLimits) -> float:
    """Which limit of work binds: fuel, counted in seconds of the guest's own clock, or time."""
    return min(limits.seconds, float(f"{limits.fuel / FUEL_PER_SECOND:.2g}"))


_PYTHON_EXAMPLE = """\
```python
import re
lines = context.splitlines()
items = list(dict.fromkeys(line for line in lines if line.startswith("Q: ")))
groups = [items[i : i + 30] for i in range(0, len(items), 30)]
prompts = ["Is each question about a person, a place or a thing? Reply with a line NUMBER: LABEL for each.\\n" +
           "\\n".join(f"{n}: {item}" for n, item in enumerate(group)) for group in groups]
labels = {}
for group, reply in zip(groups, llm_batch(prompts)):
    labels |= {group[int(n)]: label for n, label in re.findall(r"(\\d+): (\\w+)", reply)}
assert len(labels) == len(items), [item for item in items if item not in labels][:5]
print(sum(labels.get(line) == "person" for line in lines), "of", len(lines))
```"""


_RECURSION = """\
- rlm_query(query, context) asks another session like this one, with that text or list as its context and code of its own: for \
parts that take many steps each; rlm_batch(queries, contexts) asks many at once. rlm_query(query, start=, stop=) is over \
characters of `context`, rlm_query(query, documents=[...]) over documents of it, by number or name; many such calls go on at \
once in map_reduce(items, map_fn, reduce_fn, parallel=True).
"""


def _python_protocol(terms: Terms, functions: Sequence[Function], looks: Form) -> str:
    return f"""\
The input is the variable `context` of a Python session. Reply with Python in a fenced block (```python). It is run, and you \
see its output. Variables, functions and imports stay from one block to the next. An exception keeps what was assigned before \
it. The whole standard library is there (sqlite3 in memory); no files, network or other packages.

- llm_query(prompt) asks a sub-model; llm_batch(prompts) asks many at once and gives their answers in order. A sub-model sees \
nothing but its prompt: put the passage into it. With schema= (a type as list[str], a dataclass, a JSON Schema) its answer is \
such a value. A failed call raises LLMError.
{_RECURSION if terms.deeper else ""}\
- FINAL(value) records the answer, FINAL_VAR(name) that of a variable (for a long one, built in parts).

How to work: look at samples; let code do what code can (search, count, parse, join) over the whole input; give what needs \
understanding to sub-models, 20 to 50 numbered items a prompt; check that nothing is missing; then answer, in a block of its \
own, with what you have seen your code find. If the input does not say it, answer that. For example, how many lines ask about \
a person:
{_PYTHON_EXAMPLE}

There are also (help(name) says more):
{listing(functions, looks)}"""


_JSON_RECURSION = 'map and reduce with "children": true ask such a session of each part.\n'


# Each is one reply; a test executes them.
JSON_EXAMPLES = r"""Which address fails most often, and where?
[{"op": "regex.top", "pattern": "failed login from (\\S+)", "k": 3, "store": "most"},
 {"op": "print", "value": "${most}"}, {"op": "find", "text": "from ${most.top.0.0} "}]
How many lines ask about a person?
[{"op": "regex", "pattern": "^Q: ", "store": "asked"},
 {"op": "map", "on": "asked", "size": 30, "prompt": "Copy the lines that ask about a person:\n${part}", "store": "found"},
 {"op": "regex.count", "on": "found", "pattern": "^Q: ", "multi_line": true, "store": "n"},
 {"op": "final", "answer": "${n}"}]"""


def _json_protocol(terms: Terms, functions: Sequence[Function], looks: Form) -> str:
    taught = [each for each in TAUGHT if terms.deeper or each is not LLMDelegate]
    forms = "\n".join(f"- {short_form(each)}: {(each.__doc__ or '').splitlines()[0]}" for each in taught)
    return f"""\
Reply with JSON commands: one object, or an array of them, run in order. Those marked * also take "on", a variable to work on \
(without it, the whole input), and "store", a variable that keeps the whole result; little of it is shown then. ${{name}} in a \
text is the value of that variable, ${{name.field}} and ${{name.0}} parts of it; in a pattern a text means itself, a list any \
of its items. "on": "context.3" is document 3. Those that ask models take "schema", a JSON Schema: the answer is a value then.
{forms}
{_JSON_RECURSION if terms.deeper else ""}
Functions of modules are commands too, each with its arguments beside "op", and marked *:
{module_listing(functions, looks)}

How to work: look at samples; search and count over the whole input; give what needs understanding to sub-models, many lines a \
prompt; check what you found before you answer. If the input does not say it, answer that. For example:
{JSON_EXAMPLES}"""
