"""WebAssembly modules: precompiled ones, and those that a model writes.

registry.py      named and pinned by a manifest, compiled once
abi.py           what a module must export, and all that it may import
instance.py      one call of a module, in an instance of its own
imports.py       THE TRUST BOUNDARY of modules: the functions that one can call
wat_compiler.py  a module's text compiled in a process of its own
"""
