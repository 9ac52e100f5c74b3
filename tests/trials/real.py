"""Tasks over text that this machine has: the standard library's source, the changelogs of its packages."""

import ast
import gc
import glob
import gzip
import random
import re
import sysconfig
from pathlib import Path

from tasks import Task, number, text

_LIBRARY = Path(sysconfig.get_paths()["stdlib"])
_ENTRY = re.compile(r"^ -- ([^<\n]+?) +<", re.MULTILINE)


def _parsed(source: str) -> ast.Module:
    """Without collections meanwhile: what they destroy may print a traceback, which parses too, and CPython 3.11 fails then."""
    gc.disable()
    try:
        return ast.parse(source)
    finally:
        gc.enable()


def _sources() -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8", errors="replace") for path in sorted(_LIBRARY.glob("*.py"))}


def needle(draw: random.Random) -> Task:
    """A sentence, somewhere in eight million characters of code."""
    lines = "\n".join(_sources().values()).splitlines()
    code = draw.randrange(10_000, 99_999)
    lines.insert(draw.randrange(len(lines)), f"# The harbour office opens with the code {code}, says the keeper.")
    solution = "FINAL(modules.regex.find('harbour office opens with the code [0-9]+')[0]['match'])"
    return Task("needle", "With which code does the harbour office open?", "\n".join(lines), number(code), solution)


def code_question(draw: random.Random) -> Task:
    """Which module defines a class: many use it."""
    sources = _sources()
    classes = [
        (name.removesuffix(".py"), node.name)
        for name, source in sources.items()
        for node in _parsed(source).body
        if isinstance(node, ast.ClassDef)
    ]
    names = [name for _, name in classes]
    module, wanted = draw.choice([each for each in classes if names.count(each[1]) == 1 and not each[1].startswith("_")])
    documents = [f"# module {name.removesuffix('.py')}\n{source}" for name, source in sources.items()]
    solution = (
        f"import re\nFINAL(next(d.split('\\n')[0].split()[-1] for d in context if re.search(r'^class {wanted}\\b', d, re.M)))"
    )
    question = f"Each document is a module of Python, its name in the first line. Which module defines the class {wanted}?"
    return Task("code", question, documents, text(module), solution)


def changelog(draw: random.Random) -> Task | None:
    """Who signed how many entries; None where no package left its changelog."""
    paths = sorted(glob.glob("/usr/share/doc/*/changelog.Debian.gz"))
    whole = "".join(gzip.decompress(Path(path).read_bytes()).decode(errors="replace") for path in paths)
    signed = _ENTRY.findall(whole)
    if len(signed) < 100:
        return None
    name = draw.choice([each for each in sorted(set(signed)) if signed.count(each) > 5])
    begins = f" -- {name} "
    solution = f"FINAL(sum(line.startswith({begins!r}) for line in context.splitlines()))"
    question = f"These are the changelogs of Debian packages. How many entries did {name} sign (lines that begin with ' -- ')?"
    return Task("changelog", question, whole, number(signed.count(name)), solution)


KINDS = (needle, code_question, changelog)
