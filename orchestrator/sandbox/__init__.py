"""Where a model's code runs: wasmtime, no WASI implementation, everything bounded.

component.py     the Python guest: built once, kept by hash; its compiled code cached
engine.py        one Engine, its ticker, the threads that enter guests, the place where instances are made
limits.py        what a cell may use, and which limit stopped it
host_imports.py  THE TRUST BOUNDARY: everything that a guest can ask of the host
interpreter.py   one instance: cells in, outcomes out
"""
