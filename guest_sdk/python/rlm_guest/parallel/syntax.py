"""`await llm_query(...)` in a cell: its syntax says where a call is awaited, and there it is a coroutine."""

import ast
import functools
from ast import iter_child_nodes
from collections.abc import Iterable, Iterator
from typing import Any

from .. import queries

NAME = "__awaited__"  # among the builtins
_ASKING = ("llm_query", "llm_batch", "query_llm", "llm_query_batched")
# Functions and methods whose arguments are awaited; some have so plain a name that `asyncio` must stand before it.
_AWAITING = ("gather", "create_task", "ensure_future", "wait_for", "as_completed", "run_until_complete")
_AWAITING_OF_ASYNCIO = ("run", "shield", "wait")
_FILLING = ("append", "extend", "add", "insert", "setdefault")
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def awaited(function: Any) -> Any:
    """llm_query and llm_batch as coroutine functions; any other as it is."""
    if function is not queries.llm_query and function is not queries.llm_batch:
        return function

    @functools.wraps(function)
    async def ask(*arguments: Any, **named: Any) -> Any:
        from .loop import answer  # noqa: PLC0415  (asyncio is imported by then)

        question = queries.question(function, arguments, named)
        assert question is not None  # noqa: S101
        return await answer(question)

    return ask


def mark(tree: ast.Module) -> None:
    """Each call of llm_query that is awaited, by itself or by a variable that is, becomes a call of the coroutine."""
    scopes: list[ast.AST] = [tree]
    for scope in scopes:
        nodes = list(_inside(scope))
        scopes += (node for node in nodes if isinstance(node, _FUNCTIONS))
        _Scope(nodes).mark()


class _Scope:
    """A cell or a function, without the functions in it."""

    def __init__(self, nodes: list[ast.AST]) -> None:
        self._nodes = nodes
        self._names: set[str] = set()

    def mark(self) -> None:
        self._mark_all(value for node in self._nodes for value in _awaited_in(node))
        before = -1
        while len(self._names) != before:
            before = len(self._names)
            self._mark_all(value for node in self._nodes for name, value in _bound_in(node) if name in self._names)

    def _mark_all(self, values: Iterable[ast.expr | None]) -> None:
        pending = list(values)
        while pending:
            match pending.pop():
                case ast.Name(id=name):
                    self._names.add(name)
                case ast.Call() as call:
                    pending += _mark_call(call)
                case ast.Starred(value=value) | ast.NamedExpr(value=value):
                    pending.append(value)
                case ast.List(elts=values) | ast.Tuple(elts=values) | ast.Set(elts=values) | ast.Dict(values=values):
                    pending += values
                case ast.ListComp(elt=value) | ast.SetComp(elt=value) | ast.GeneratorExp(elt=value) | ast.DictComp(value=value):
                    pending.append(value)
                case ast.IfExp(body=body, orelse=orelse):
                    pending += (body, orelse)
                case ast.BinOp(left=left, right=right):
                    pending += (left, right)
                case _:
                    pass


def _mark_call(call: ast.Call) -> list[ast.expr]:
    """A call in the place of what is awaited; returns what else is."""
    match call:
        case ast.Call(func=ast.Name(id=name)) if name in _ASKING:
            call.func = _wrapped(call.func)
        case ast.Call(func=ast.Name(id="map"), args=[ast.Name(id=name) as function, *_]) if name in _ASKING:
            call.args[0] = _wrapped(function)
        case ast.Call(func=ast.Name(id="map"), args=[ast.Lambda(body=body), *_]):
            return [body]
        case ast.Call(func=ast.Name(id="list" | "tuple" | "set" | "enumerate"), args=[values]):
            return [values]
        case ast.Call(func=ast.Attribute(value=values, attr="values"), args=[]):
            return [values]
    return []


def _wrapped(function: ast.expr) -> ast.expr:
    call = ast.Call(func=ast.Name(id=NAME, ctx=ast.Load()), args=[function], keywords=[])
    return ast.fix_missing_locations(ast.copy_location(call, function))


def _inside(scope: ast.AST) -> Iterator[ast.AST]:
    pending = list(iter_child_nodes(scope))
    while pending:
        node = pending.pop()
        yield node
        if not isinstance(node, _FUNCTIONS):
            pending += iter_child_nodes(node)


def _awaited_in(node: ast.AST) -> list[ast.expr]:
    match node:
        case ast.Await(value=value):
            return [value]
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in _AWAITING:
            return node.args
        case ast.Call(func=ast.Attribute(value=ast.Name(id="asyncio"), attr=name)) if name in _AWAITING_OF_ASYNCIO:
            return node.args
    return []


def _bound_in(node: ast.AST) -> Iterator[tuple[str, ast.expr | None]]:
    """Variables, and what they or their items become."""
    match node:
        case ast.Assign(targets=targets, value=value):
            yield from ((name, value) for target in targets for name in _names(target))
        case ast.AnnAssign(target=target, value=value) | ast.AugAssign(target=target, value=value):
            yield from ((name, value) for name in _names(target))
        case ast.For(target=target, iter=values) | ast.comprehension(target=target, iter=values):
            yield from ((name, values) for name in _names(target))
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=method), args=values) if method in _FILLING:
            yield from ((name, value) for value in values)
        case ast.NamedExpr(target=target, value=value):
            yield from ((name, value) for name in _names(target))


def _names(target: ast.expr) -> Iterator[str]:
    match target:
        case ast.Name(id=name) | ast.Subscript(value=ast.Name(id=name)):
            yield name
