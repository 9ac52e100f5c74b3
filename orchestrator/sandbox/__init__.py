"""Where a model's code runs: wasmtime, no WASI implementation, everything bounded.

guest.py         the guest of one run: cells in, outcomes out, rolled back where they are stopped
host_imports.py  THE TRUST BOUNDARY: everything that a guest can ask of the host
linker.py        what a guest is linked to
limits.py        what a cell may use, and which limit stopped it
engine.py        one Engine, its ticker, the threads that enter guests, the place where instances are made
instance.py      one live guest: ready, running or dead
templates.py     one image for each context, forked by every run over it
threads.py       the threads that enter guests
ticks.py         the clock of running guests
build/           the component: built, checked, kept
memory/          the memories of guests: snapshot, fork
modules/         precompiled modules
"""
