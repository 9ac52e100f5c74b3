"""The functions of a cell, as a root model is told of them: those that fit its input at length, the others by their names."""

import re
from collections.abc import Iterator, Sequence

from orchestrator.dialogue.preview import Form
from orchestrator.sandbox.messages import Function

# What every function of a module takes: said once.
_COMMON = re.compile(r", (ignore_case|multi_line|text)=\w+|\b(text)=None(?=\))")
# Told elsewhere in the prompt, with what it takes to use them well.
TAUGHT = ("llm_query", "llm_batch", "rlm_query", "rlm_batch", "FINAL", "FINAL_VAR")
# Told by their names alone: conveniences that a few lines of Python replace, and that help() explains.
NAMED = (
    "smart_truncate",
    "aggregate_results",
    "count_frequencies",
    "merge_dicts",
    "recursive_split",
    "verify_answer",
    "consensus_check",
)


def listing(functions: Sequence[Function], form: Form) -> str:
    """What a cell can call, beside what is taught."""
    helpers = [each for each in functions if "." not in each.name and each.name not in TAUGHT]
    told = [each.signature for each in helpers if each.name not in NAMED]
    named = [each.name for each in helpers if each.name in NAMED]
    return f"""\
- {", ".join(told + named)}
- `modules`, many times faster than Python, over all of `context` unless text= is given (with patterns also ignore_case=, \
multi_line=):
{module_listing(functions, form, "modules.")}"""


def module_listing(functions: Sequence[Function], form: Form, prefix: str = "") -> str:
    """A line for each function; of a format that the input does not look like, the names."""
    return "\n".join(_lines(functions, form, prefix))


def _lines(functions: Sequence[Function], form: Form, prefix: str) -> Iterator[str]:
    for module, each in _by_module(functions).items():
        if module in ("csv", "json") and module != form:
            yield f"  - {prefix}{module}: {', '.join(function.name.rpartition('.')[2] for function in each)}"
        else:
            for function in each:
                yield f"  - {prefix}{_COMMON.sub('', function.signature.removeprefix('modules.'))}: {function.summary}"


def _by_module(functions: Sequence[Function]) -> dict[str, list[Function]]:
    found: dict[str, list[Function]] = {}
    for each in functions:
        if each.name.startswith("modules."):
            found.setdefault(each.name.split(".")[1], []).append(each)
    return found
