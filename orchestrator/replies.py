"""A root model's reply -> what to do. Decided by the text alone: nothing in it is run or parsed as Python here."""

import re

import msgspec


class RunCell(msgspec.Struct, frozen=True, tag=True):
    """One fenced block of Python."""

    code: str


class Final(msgspec.Struct, frozen=True, tag=True):
    """The text FINAL(...) on a line of its own, in a reply without any block."""

    text: str


class Unparsed(msgspec.Struct, frozen=True, tag=True):
    """Nothing to act on; `reason` is for the model."""

    reason: str


Action = RunCell | Final | Unparsed

_PYTHON = frozenset({"python", "py", "repl", "python3"})
_OPEN = re.compile(r"(?P<before>[^`\n]*?)(?P<fence>`{3,}|~{3,})[ \t]*(?P<language>[\w+.#-]*)[^`\n]*")
# Enough of Python's strings and comments to tell whether a line is inside a triple-quoted string.
_STRINGS = re.compile(r"\"\"\"|'''|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|#[^\n]*|\\.", re.DOTALL)
_FINAL_LINE = re.compile(r"^[ \t]*FINAL(?P<var>_VAR)?\((?P<value>.*)\)[ \t]*$", re.MULTILINE)
_FINAL_REST = re.compile(r"^[ \t]*FINAL(?P<var>_VAR)?\((?P<value>.*)\)\s*\Z", re.MULTILINE | re.DOTALL)


class _Block(msgspec.Struct):
    language: str
    code: str


def parse_reply(text: str) -> list[Action]:
    """The actions of a reply, in order; at least one."""
    blocks, prose = _split(_without_opened_thinking(text.replace("\r\n", "\n")))
    if not blocks:
        return [_final(prose) or Unparsed("it has no fenced block of Python")]
    labelled = [block for block in blocks if block.language in _PYTHON]
    # Beside labelled blocks, one without a language is an invented output, not code.
    cells = labelled or [block for block in blocks if not block.language]
    if not cells:
        found = ", ".join(sorted({block.language for block in blocks}))
        return [Unparsed(f"its fenced blocks are not Python but {found}")]
    return [RunCell(block.code) for block in cells if block.code.strip()] or [Unparsed("its Python block is empty")]


def _without_opened_thinking(text: str) -> str:
    """Where a chat template opens the thinking itself, the model sends only the closing tag."""
    end, start = text.find("</think>"), text.find("<think>")
    return text[end + len("</think>") :] if end >= 0 and not 0 <= start < end else text


def _split(text: str) -> tuple[list[_Block], str]:
    """The fenced blocks, and the text outside of them and of thinking."""
    blocks: list[_Block] = []
    prose: list[str] = []
    lines = text.split("\n")
    while lines:
        line = lines.pop(0)
        opened = _OPEN.fullmatch(line)
        if "<think>" in line:
            before, _, thinking = line.partition("<think>")
            after = "\n".join([thinking, *lines]).partition("</think>")[2]
            prose.append(before)
            lines = after.split("\n") if after else []
        elif opened and _opens(opened):
            end = _closing_line(lines, opened)
            blocks.append(_block(opened, lines[:end]))
            lines = lines[end + 1 :]
        else:
            prose.append(line)
    return blocks, "\n".join(prose)


def _opens(opened: re.Match[str]) -> bool:
    # Words before a fence are tolerated only where its language leaves no doubt.
    return not opened["before"].strip() or opened["language"].lower() in _PYTHON


def _closing_line(lines: list[str], opened: re.Match[str]) -> int:
    """The index of the fence that ends a block: the first one outside a string; without any, the end of the reply."""
    fence = opened["fence"]
    closing = [index for index, line in enumerate(lines) if len(line.strip()) >= len(fence) and set(line.strip()) == {fence[0]}]
    outside = (index for index in closing if not _ends_in_string("\n".join(lines[:index])))
    return next(outside, closing[0] if closing else len(lines))


def _ends_in_string(code: str) -> bool:
    """Whether a triple-quoted string is still open at the end of `code`."""
    position, opened = 0, ""
    while True:
        if opened:
            end = code.find(opened, position)
            if end < 0:
                return True
            position, opened = end + 3, ""
        found = _STRINGS.search(code, position)
        if found is None:
            return False
        position = found.end()
        if found[0] in ('"""', "'''"):
            opened = found[0]


def _block(opened: re.Match[str], lines: list[str]) -> _Block:
    indent = opened["before"] if opened["before"].isspace() else ""
    return _Block(opened["language"].lower(), "\n".join(line.removeprefix(indent) for line in lines))


def _final(prose: str) -> Action | None:
    found = _FINAL_LINE.search(prose) or _FINAL_REST.search(prose)
    if found is None:
        return None
    value = _unquoted(found["value"].strip())
    if not found["var"]:
        return Final(value)
    # The guest knows the variables; a name is all that it is asked for.
    return RunCell(f'FINAL_VAR("{value}")') if value.isidentifier() else Unparsed("FINAL_VAR(...) must name one variable")


def _unquoted(value: str) -> str:
    for quote in ('"""', "'''", '"', "'"):
        if len(value) >= 2 * len(quote) and value.startswith(quote) and value.endswith(quote):
            return value[len(quote) : -len(quote)]
    return value
