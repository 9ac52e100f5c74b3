"""What Python has elsewhere and a cell has not, and what to use instead."""

import sys

_NO_C = "its C part is not built in; gzip, zlib and zipfile are"
_NO_FILES = "there are no files; io.BytesIO and io.StringIO take their place"
_NO_SCREEN = "there is no screen; print what is to be seen"
_NO_SYSTEM = "there is no operating system below a cell; work with Python alone"
_NO_WINDOWS = "this is not Windows"

# Modules of the standard library: those with a part in C that is not built in, and those that could do nothing here.
MODULES = {
    "bz2": _NO_C,
    "ctypes": "there is no C; struct, array and memoryview work on bytes",
    "curses": _NO_SCREEN,
    "ensurepip": "nothing can be installed",
    "fcntl": _NO_FILES,
    "grp": _NO_SYSTEM,
    "idlelib": _NO_SCREEN,
    "lzma": _NO_C,
    "mmap": _NO_FILES,
    "msvcrt": _NO_WINDOWS,
    "multiprocessing": "a cell is one process; llm_batch(prompts) asks many models at once, as does concurrent.futures",
    "nt": _NO_WINDOWS,
    "pty": _NO_SYSTEM,
    "pwd": _NO_SYSTEM,
    "readline": "there is no keyboard; work with `context`, ask a model with llm_query(prompt)",
    "resource": _NO_SYSTEM,
    "ssl": "there is no network; ask a model with llm_query(prompt)",
    "syslog": _NO_SYSTEM,
    "termios": _NO_SYSTEM,
    "tkinter": _NO_SCREEN,
    "tty": _NO_SYSTEM,
    "turtle": _NO_SCREEN,
    "turtledemo": _NO_SCREEN,
    "venv": "nothing can be installed",
    "winreg": _NO_WINDOWS,
    "winsound": _NO_WINDOWS,
    "zstd": _NO_C,
}


def instead_of(module: str) -> str:
    """What to do without a module that could not be imported; nothing to say of a part of one that is there."""
    name = module.partition(".")[0]
    public = name.removeprefix("_")
    if public in MODULES:
        return f"{public} is not available here: {MODULES[public]}."
    if name not in sys.stdlib_module_names:
        return f"{name} is not available here, and nothing can be installed: use Python's standard library, and `modules`."
    return "" if name in sys.modules else f"{name} is not available here."
