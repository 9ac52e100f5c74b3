"""Where a model's code runs: wasmtime, no WASI implementation, everything bounded.

component.py     the Python guest: built once, kept by hash; its compiled code cached
soundness.py     a component whose memory is its whole state (binary.py: reading and writing the format)
engine.py        one Engine, its ticker, the threads that enter guests, the place where instances are made
selftest.py      at every start: a fork is its original
limits.py        what a cell may use, and which limit stopped it
host_imports.py  THE TRUST BOUNDARY: everything that a guest can ask of the host
memory.py        the memories of guests: snapshot, fork (pages.py: what the operating system offers for it;
                 image_file.py: a snapshot in a file)
instance.py      one live guest: ready, running or dead
templates.py     one image for each context, forked by every run over it
interpreter.py   the guest of one run: cells in, outcomes out, rolled back where they are stopped
"""
