"""A server that answers questions over inputs far larger than any model's window.

The way of the data, which is also the order in which to read the code::

    HTTP request      api/         structs in, structs out
    -> context        contexts.py  the big input: immutable, held once, id = hash
    -> run            run.py       the root loop; what it says to a model: prompts.py; what it may spend: budget.py
    -> model call     pool.py      choose, limit, retry; providers/: one file per protocol
    -> reply          replies.py   reply text -> RunCell | RunCommands | Final | Unparsed; command_text.py, commands.py
    -> cell           cells.py     run in sandbox/, the Python guest in wasmtime; host_imports.py is the trust boundary,
                                   modules.py calls what wasm_modules/ has
    -> events         events.py    what happened, kept by journal.py, read back by history.py, executed again by
                                   replay.py, written as a script by export.py
    -> response       api/, logs.py

    app.py connects it all; config.py and errors.py know nobody.
"""

__version__ = "0.1.0"
