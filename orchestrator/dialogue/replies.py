"""A root model's reply -> what to do. Decided by the text alone: nothing in it is run or parsed as Python here.

Everything here is linear in the reply, which is hostile. No possessive group: CPython before 3.11.5 matches them wrongly.
"""

import re
from collections.abc import Collection, Sequence

import msgspec

from orchestrator.dialogue.command_text import parse_block, parse_prose
from orchestrator.dialogue.commands import Command


class RunCell(msgspec.Struct, frozen=True, tag=True):
    """One fenced block of Python."""

    code: str


class FinalText(msgspec.Struct, frozen=True, tag=True):
    """The text FINAL(...) on a line of its own, in a reply without any block."""

    text: str


class NothingToDo(msgspec.Struct, frozen=True, tag=True):
    """Nothing to act on; `reason` is for the model."""

    reason: str


class RunCommands(msgspec.Struct, frozen=True, tag=True):
    """JSON commands: those of one block, or all that stand bare in a reply without any block."""

    commands: tuple[Command, ...]


class NotTaken(msgspec.Struct, frozen=True, tag=True):
    """The text FINAL(...) beside blocks: it was written before their output was seen."""


Action = RunCell | RunCommands | FinalText | NothingToDo | NotTaken

MOST_BLOCKS = 100  # of one reply

_JSON = frozenset({"", "json", "jsonl", "ndjson"})
_COMMANDS = re.compile(r"\s*+[\[{](?s:.*)\"op\"")
_PYTHON = frozenset({"python", "py", "repl", "python3"})
_INDENT = re.compile(r"[ \t]*(?:(?:[-*+]|\d+[.)])[ \t]+)?")
# A line that a fence begins, also behind a list's mark.
_FENCE = re.compile(rf"(?P<indent>{_INDENT.pattern})(?P<fence>`{{3,}}|~{{3,}})[ \t]*(?P<language>[\w+.#-]*)(?P<info>.*)")
_LANGUAGE = re.compile(r"[\w+.#-]*")
# The closing tag alone; between quotes it is a part of some code.
_THINKING_ENDS = re.compile(r"(?<!['\"])</think>(?!['\"])")
# Enough of Python's strings and comments to tell whether a line ends inside a triple-quoted string.
_STRINGS = re.compile(r"\"\"\"|'''|\"[^\"\\]*(?:\\.[^\"\\]*)*\"|'[^'\\]*(?:\\.[^'\\]*)*'|#.*|\\.")
_TRIPLE_QUOTES = ('"""', "'''")
# Also as `inline code` or in bold.
_FINAL_LINE = re.compile(r"^[ \t`*]*+FINAL(?P<var>_VAR)?\((?P<value>.*)\)[ \t`*.]*$", re.MULTILINE)
_FINAL_START = re.compile(r"^[ \t]*+FINAL\(", re.MULTILINE)


class _Block(msgspec.Struct):
    """What stands between two fences."""

    language: str
    code: str
    closed: bool = True


def parse_reply(text: str, *, cut: bool = False) -> list[Action]:
    """The actions of a reply, in order; at least one. If it was cut off, a block that is open at its end is none."""
    if not text.strip():
        return [NothingToDo("your reply was empty")]
    blocks, prose = _split(_drop_opened_thinking(text.replace("\r\n", "\n")))
    if cut and blocks and not blocks[-1].closed:
        return _actions(blocks[:-1]) if blocks[:-1] else [NothingToDo("its only block is not whole")]
    if not blocks:
        bare = parse_prose(prose)
        return [RunCommands(bare) if bare else _final(prose) or NothingToDo("it has no block of code and no command")]
    if len(blocks) > MOST_BLOCKS:
        return [NothingToDo(f"it has {len(blocks)} blocks, and at most {MOST_BLOCKS} are taken: do less in one reply")]
    return _actions(blocks) + _answer_beside(prose)


def _answer_beside(prose: str) -> list[Action]:
    """The answer that the text around the blocks gives."""
    if not _FINAL_LINE.search(prose):
        return []
    answer = _final(prose)
    # What a variable holds is known when the blocks have run.
    return [answer if isinstance(answer, RunCell) else NotTaken()]


def _actions(blocks: Sequence[_Block]) -> list[Action]:
    # Beside labelled blocks, one without a language is an invented output, not code.
    languages = _PYTHON if any(block.language in _PYTHON for block in blocks) else {""}
    actions = [action for block in blocks if (action := _action(block, languages))]
    if not actions and any(block.language in languages for block in blocks):
        return [NothingToDo("its Python block is empty")]
    found = ", ".join(sorted({block.language for block in blocks}))
    return actions or [NothingToDo(f"its fenced blocks are neither Python nor commands but {found}")]


def _action(block: _Block, languages: Collection[str]) -> Action | None:
    if block.language in _JSON and _COMMANDS.match(block.code):
        return RunCommands(parse_block(block.code))
    return RunCell(block.code) if block.language in languages and block.code.strip() else None


def _drop_opened_thinking(text: str) -> str:
    """If a chat template opens the thinking itself, the model sends only the closing tag."""
    end, start = _THINKING_ENDS.search(text), text.find("<think>")
    return text[end.end() :] if end and not 0 <= start < end.start() else text


def _split(text: str) -> tuple[list[_Block], str]:
    """The fenced blocks, and the text outside of them and of thinking."""
    blocks: list[_Block] = []
    prose: list[str] = []
    position = 0
    while position < len(text):
        end = _find(text, "\n", position)
        # A fence inside thinking is a draft, not code; a <think> inside a block is part of the code.
        think = text.find("<think>", position, end)
        line = text[position : end if think < 0 else think]
        if opened := _opening_fence(line):
            block, position = _block(text, opened, end + 1)
            blocks.append(block)
        elif think >= 0:
            prose.append(line)
            position = _find(text, "</think>", think) + len("</think>")
        else:
            prose.append(line + "\n")
            position = end + 1
    return blocks, "".join(prose)


def _find(text: str, wanted: str, position: int) -> int:
    """Where it is, or the end of the text."""
    found = text.find(wanted, position)
    return len(text) if found < 0 else found


class _OpeningFence(msgspec.Struct, frozen=True):
    """The line that begins a block; `indent` may hold the mark of a list."""

    indent: str
    fence: str
    language: str


def _opening_fence(line: str) -> _OpeningFence | None:
    """A fence at the beginning of a line; or at its end, behind words, with at most a language."""
    if found := _FENCE.fullmatch(line):
        # ```code``` on one line is inline code; a fence that </think> follows belongs to the thinking.
        opens = "`" not in found["info"] and "</think>" not in found["info"]
        return _OpeningFence(found["indent"], found["fence"], found["language"].lower()) if opens else None
    end = line.rfind("```") + 3
    before = line[:end].rstrip("`")
    language = line[end:].strip()
    # Behind an odd number of backticks it ends `inline code`.
    if end < 3 or before.count("`") % 2 or "```" in before or not _LANGUAGE.fullmatch(language):
        return None
    indent = _INDENT.match(line)
    return _OpeningFence(indent[0] if indent else "", line[len(before) : end], language.lower())


def _block(text: str, opened: _OpeningFence, start: int) -> tuple[_Block, int]:
    """The block that a fence opens, and where the text goes on."""
    lines, position, closed = _lines_to_close(text, start, opened.fence)
    # The code of a list's item is as far in as the words behind its marker, or not at all.
    indent = re.sub(r"\S", " ", opened.indent)
    first = next((line for line in lines if line.strip()), "")
    dedented = [line.removeprefix(indent) for line in lines] if first.startswith(indent) else lines
    return _Block(opened.language, "\n".join(dedented), closed), position


def _lines_to_close(text: str, start: int, fence: str) -> tuple[list[str], int, bool]:
    """The lines up to the first closing fence outside a triple-quoted string, the position behind it, and whether there is one.

    If the string never ends, the first closing fence counts; if there is none, the end of the reply.
    """
    lines: list[str] = []
    first: tuple[int, int] | None = None
    quote, position = "", start
    while position <= len(text):
        end = text.find("\n", position)
        end = len(text) if end < 0 else end
        line = text[position:end]
        if _closes(line, fence):
            if not quote:
                return lines, end, True
            # Kept in case the string never ends: then it was no string, or the code is broken anyway.
            first = first or (len(lines), end)
        lines.append(line)
        quote = _open_quote(line, quote)
        position = end + 1
    return (lines[: first[0]], first[1], True) if first else (lines, len(text), False)


def _closes(line: str, fence: str) -> bool:
    """Whether a line is a fence of that kind, at least as long, and nothing else."""
    line = line.strip()
    return len(line) >= len(fence) and not line.strip(fence[0])


def _open_quote(line: str, quote: str) -> str:
    """The triple quote that is open at the end of a line, at whose beginning `quote` is."""
    position = 0
    while True:
        if quote:
            end = line.find(quote, position)
            if end < 0:
                return quote
            position, quote = end + 3, ""
        found = _STRINGS.search(line, position)
        if found is None:
            return ""
        position = found.end()
        quote = found[0] if found[0] in _TRIPLE_QUOTES else ""


def _final(prose: str) -> Action | None:
    """The answer of a reply without any block."""
    found = _FINAL_LINE.search(prose)
    if found is None:
        # An answer of several lines: it goes to the end of the reply.
        started = _FINAL_START.search(prose)
        rest = prose[started.end() :].rstrip() if started else ""
        return FinalText(_strip_quotes(rest[:-1].strip())) if rest.endswith(")") else None
    value = _strip_quotes(found["value"].strip())
    if not found["var"]:
        return FinalText(value)
    # The guest knows the variables; a name is all that it is asked for.
    return RunCell(f'FINAL_VAR("{value}")') if value.isidentifier() else NothingToDo("FINAL_VAR(...) must name one variable")


def _strip_quotes(value: str) -> str:
    for quote in ('"""', "'''", '"', "'"):
        if len(value) >= 2 * len(quote) and value.startswith(quote) and value.endswith(quote):
            return value[len(quote) : -len(quote)]
    return value
