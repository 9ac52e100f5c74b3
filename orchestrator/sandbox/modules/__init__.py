"""Precompiled WebAssembly modules.

registry.py      named and pinned by a manifest, run in an instance each
imports.py       THE TRUST BOUNDARY of modules: the functions that one can call
wat_compiler.py  a module's text compiled in a process of its own
"""
