"""Where a model's code runs: wasmtime, no WASI implementation, everything bounded.

guest.py         the one face: the guest of a run, cells in, outcomes out
messages.py      what goes in and out, as structs alone
bridge.py        from a guest's thread to its run, and back
state.py         the state of a guest from cell to cell, and the way back
execution.py     one cell while it runs
calls.py         what it asked of its run, to be given again if it begins again
host_imports.py  THE TRUST BOUNDARY: everything that a guest can ask of the host
questions.py     a part of it: what a guest asks of models and child runs
linker.py        what a guest is linked to
entered.py       which execution a thread is in
limits.py        how the time of a cell is measured, which limit stopped it
running_line.py  in which of its lines that was, from the memory of the dead guest
engine.py        what all guests share; the place where instances are made
engines.py       the engine of new runs, and those of older components
instance.py      one live guest: ready, running or dead
templates.py     one image for each context, forked by every run over it
threads.py       the threads that enter guests
turns.py         which cells compute now
ticks.py         the clock of running guests
build/           the component: built, checked, kept
memory/          the memories of guests: snapshot, fork
modules/         precompiled modules
"""
