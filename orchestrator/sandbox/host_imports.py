"""THE TRUST BOUNDARY. What a guest can ask of the host, and how each argument of it is checked (a module: modules/imports.py).

Every argument is hostile: its type comes from the component's own interface, its length and range are checked
here. A change here needs a row in tests/sandbox/test_escapes.py. What linker.py does not link to one of these traps.

An exception that leaves a host import kills the instance, so a failure is returned as `err`, as JSON
{"type", "message"}; the guest raises it.
"""

import hashlib
import itertools
from typing import Any

import msgspec
import wasmtime
from wasmtime.component import Variant

from orchestrator.contexts.context import Context
from orchestrator.contexts.utf8 import ContextBytes, JoinedBytes, TextBytes
from orchestrator.errors import ModuleError
from orchestrator.sandbox.calls import Calls
from orchestrator.sandbox.execution import Execution
from orchestrator.sandbox.messages import CallRecord, HostError
from orchestrator.sandbox.modules.imports import Call, Source
from orchestrator.sandbox.modules.instance import Allowance, ModuleOutcome, Request
from orchestrator.sandbox.questions import MAX_NAME, Query, Refused, ask_sub_models, begin_children, check_size, decode

# Numbers of context_read that stand for no document: all of them, one behind the other, and Context.table.
WHOLE = 0xFFFFFFFE
TABLE = 0xFFFFFFFF
MAX_READ_CHARS = 16 << 20  # code points of one context_read
MAX_TEXT_CHARS = 20_000_000  # of the text that a cell hands to a module
MAX_RESULTS = 64 << 20  # bytes of what one cell is given through the host import; it is kept in the journal
MAX_CALLS = 10_000  # of one cell; each is kept in the journal
MAX_RANDOM_BYTES = 1 << 16


class _ModuleRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The arguments of a call of a module. It works on what is given of these, instead of the context and its documents.

    `text`: the cell's own; `joined`: the documents as one text, with a line end between; `part`: code points [start, stop) of
    that, or else of all documents, one behind the other.
    """

    function: str
    args: dict[str, Any]
    text: str | None = None
    part: tuple[int, int] | None = None
    joined: bool = False


class _NamedModuleRequest(_ModuleRequest, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Of a precompiled one."""

    module: str


class _WrittenModuleRequest(_ModuleRequest, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Of one that the cell brings, in WebAssembly's text format."""

    wat: str


class _CallOutcome(msgspec.Struct, frozen=True):
    """What a call comes to; `result` is JSON that the host wrote, `fuel` what a module took."""

    result: msgspec.Raw = msgspec.Raw(b"null")
    error: HostError | None = None
    fuel: int = 0


def read_clock(execution: Execution) -> int:
    """Nanoseconds of the run's own clock."""
    return execution.read_clock()


def random_bytes(execution: Execution, length: int) -> bytes:
    """The next bytes of the run's own sequence."""
    if length > MAX_RANDOM_BYTES:
        raise wasmtime.WasmtimeError("too many random bytes")
    return execution.inputs.draw(length)


def context_read(execution: Execution, document: int, start: int, length: int) -> Variant:
    """Code points [start, start + length) of one document, of all of them (WHOLE), or of their names and lengths (TABLE)."""
    context = execution.inputs.context
    if document >= context.count and document not in (WHOLE, TABLE):
        return _failure(HostError("IndexError", f"there is no document {document}"))
    if length > MAX_READ_CHARS:
        return _failure(HostError("ValueError", f"one read may have at most {MAX_READ_CHARS} code points"))
    execution.note_read(document, start, length)
    if document == TABLE:
        return Variant("ok", context.read_table(start, length))
    found = context.read_all(start, length) if document == WHOLE else context.read(document, start, length)
    return Variant("ok", found)


def call(execution: Execution, name: str, arguments: str) -> Variant:
    """Answers a call, and reports it."""
    calls = execution.calls
    if calls.made >= MAX_CALLS:
        return _failure(HostError("ValueError", f"one cell may make at most {MAX_CALLS} calls"))
    digest = hashlib.sha256(f"{name} {arguments}".encode()).hexdigest()
    record = calls.recall(name, digest)
    if record is None:
        answer = _bound(calls, _answer(execution, name, arguments))
        record = CallRecord(
            number=calls.made,
            name=name[:MAX_NAME],
            arguments_sha256=digest,
            result=answer.result,
            error=answer.error,
            fuel=answer.fuel,
        )
    execution.report(record)
    return _failure(record.error) if record.error else Variant("ok", bytes(record.result).decode())


def _bound(calls: Calls, answer: _CallOutcome) -> _CallOutcome:
    calls.result_bytes += len(bytes(answer.result))
    if calls.result_bytes <= MAX_RESULTS:
        return answer
    error = HostError("ValueError", f"one cell may be given at most {MAX_RESULTS >> 20} MiB of results")
    return _CallOutcome(error=error, fuel=answer.fuel)


def _answer(execution: Execution, name: str, arguments: str) -> _CallOutcome:
    """The dispatch table."""
    try:
        match name:
            case "llm_query":
                replies = ask_sub_models(execution, decode(name, arguments, Query), repeatable=True)
                return _CallOutcome(msgspec.Raw(msgspec.json.encode(replies)))
            case "rlm_query":
                return _CallOutcome(msgspec.Raw(msgspec.json.encode(begin_children(execution, arguments))))
            case "module":
                return _run_module(execution, decode(name, arguments, _NamedModuleRequest))
            case "wasm_wat":
                return _run_module(execution, decode(name, arguments, _WrittenModuleRequest))
        raise Refused("ValueError", "there is no such host import")
    except Refused as refused:
        return _CallOutcome(error=HostError(refused.kind, str(refused)))


def _run_module(execution: Execution, asked: _NamedModuleRequest | _WrittenModuleRequest) -> _CallOutcome:
    """A module's answer is hostile too: it is read as JSON, and written again, before the cell gets it."""
    name = asked.module if isinstance(asked, _NamedModuleRequest) else "wasm_wat"
    if asked.text is not None and len(asked.text) > MAX_TEXT_CHARS:
        raise Refused("ValueError", f"{name}: text may have at most {MAX_TEXT_CHARS} characters")
    part, length = asked.part or (0, 0), _length(execution.inputs.context, asked)
    if not 0 <= part[0] <= part[1] <= length:
        raise Refused("ValueError", f"{name}: part must lie within the {length} characters of the context")
    outcome = _call_module(execution, asked)
    try:
        return _CallOutcome(_rewrite(outcome), fuel=outcome.fuel)
    except Refused as refused:
        error = HostError(refused.kind, str(refused))
    except ModuleError as failure:
        error = HostError("ModuleError", f"{name}.{asked.function}: {failure}")
    except (msgspec.DecodeError, UnicodeError, OverflowError, RecursionError) as failure:
        error = HostError("ModuleError", f"{name}.{asked.function}: its result is not JSON: {failure}")
    return _CallOutcome(error=error, fuel=outcome.fuel)


def _call_module(execution: Execution, asked: _NamedModuleRequest | _WrittenModuleRequest) -> ModuleOutcome:
    source, documents = _choose_source(execution.inputs.context, asked)
    try:
        request = msgspec.json.encode({"function": asked.function, "args": asked.args, "documents": documents})
    except (UnicodeError, OverflowError, RecursionError) as failure:
        return ModuleOutcome(ModuleError(f"its arguments are not JSON: {failure}"), 0)
    call = Call(source, lambda prompts: _answer_module(execution, prompts))
    allowance = Allowance(execution.fuel_left, execution.limits.memory_bytes, execution.meter)
    if isinstance(asked, _NamedModuleRequest):
        return execution.modules.run(asked.module, request, call, allowance)
    return execution.modules.run_wat(asked.wat, Request(asked.function, request), call, allowance)


def _choose_source(context: Context, asked: _ModuleRequest) -> tuple[Source, list[int] | None]:
    """What the module works on, and the bytes of each document in it, if it is documents."""
    if asked.text is not None:
        return TextBytes(asked.text), None
    if asked.joined and context.kind == "documents":
        return JoinedBytes(context, asked.part), None
    if asked.part is not None or context.kind != "documents":
        return ContextBytes(context, asked.part), None
    return ContextBytes(context), [stop - start for start, stop in itertools.pairwise((0, *context.ends[0]))]


def _length(context: Context, asked: _ModuleRequest) -> int:
    """Of what `part` is a part of, in code points."""
    line_ends = max(0, context.count - 1) if asked.joined and context.kind == "documents" else 0
    return context.length + line_ends


def _rewrite(outcome: ModuleOutcome) -> msgspec.Raw:
    """JSON in the form that the journal has too. Raises the module's own failure."""
    if isinstance(outcome.result, BaseException):
        raise outcome.result
    check_size("its result", outcome.result)
    return msgspec.Raw(msgspec.json.encode(msgspec.json.decode(outcome.result)))


def _answer_module(execution: Execution, prompts: bytes) -> bytes:
    """Replies, as JSON, for a module that asks sub-models itself."""
    # Not repeatable: the module would compute again, and be compiled again if the cell brought it.
    query = Query(decode("llm_query", prompts, list[str]))
    return msgspec.json.encode(ask_sub_models(execution, query, repeatable=False))


def _failure(error: HostError) -> Variant:
    return Variant("err", msgspec.json.encode(error).decode())
