"""What a cell is told beside an error, where the sandbox is its reason."""

import errno
import re
from json import JSONDecodeError

from . import absent, lazy_re
from .lazy.documents import Documents, Rows
from .lazy.parts import Parts, Picked
from .lazy.text import LazyText

_NO_FILES = "There are no files in a cell: the input is `context`; io.StringIO and io.BytesIO take the place of a file"
_TAKE_SLICES = (
    "The context is too large for the memory: it and its lines and words are no str and no list, and cannot be changed. Code "
    "in C takes slices, context[a:b], or what a loop gives; list(...) is a copy, context.encode() the bytes, if they fit."
)
_NO_STR = "encoding without a string argument"
_NOT_AWAITED = ("'str' object can't be awaited", "'list' object can't be awaited", "a coroutine or an awaitable is required")
_AWAIT = (
    "llm_query gives its answer at once, unless the cell says, by this name, `await llm_query(prompt)` or "
    "asyncio.gather(llm_query(prompt), ...)."
)
_SHOWN = 60  # characters of what is not JSON
_LAZY = tuple(each.__name__ for each in (LazyText, Documents, Rows, Parts, Picked))


def about(raised: BaseException) -> str:
    """A sentence or two, or nothing."""
    hint = ""
    match raised:
        case SystemExit():
            hint = "A cell cannot end the run this way: call FINAL(value) to answer."
        case NameError(name=str(name)) if re.search("llm|query|batch", name, re.IGNORECASE):
            hint = "llm_query(prompt) asks a sub-model, llm_batch(prompts) many at once."
        case ModuleNotFoundError(name=str(name)):
            hint = absent.instead_of(name)
        case TypeError() | AttributeError() if _takes_no_lazy(str(raised)):
            hint = _TAKE_SLICES
        case TypeError() if any(each in str(raised) for each in _NOT_AWAITED):
            hint = _AWAIT
        case MemoryError(args=()):
            hint = "The memory limit of the sandbox was reached: work on slices, delete what is no longer needed."
        case FileNotFoundError():
            hint = f"{_NO_FILES}."
        case OSError(errno=errno.ENOTSUP) if "not available here" not in str(raised):
            hint = "That is not available here: a cell has no processes, files or network; work with Python alone."
        case Exception(args=("unable to open database file",)):
            hint = f"{_NO_FILES}, sqlite3.connect(':memory:') that of a database."
        case _:
            hint = _about_value(raised)
    return hint


def _about_value(raised: BaseException) -> str:
    """What it is that was taken for something else."""
    match raised:
        case JSONDecodeError(doc=str(text)):
            return (
                f"The text begins {text[:_SHOWN]!r}. In a model's reply parse_json(text) finds the JSON, whatever is around "
                "it, and takes commas too many."
            )
        case AttributeError(name=str(name), obj=dict(fields)) if name in fields:
            return f"It is a dict: its fields are read as [{name!r}]."
    return ""


def _takes_no_lazy(message: str) -> bool:
    """Whether an error is about a lazy context; bytes(context, "utf8") does not name what it was given."""
    return any(each in message for each in _LAZY) or (message == _NO_STR and lazy_re.is_installed())
