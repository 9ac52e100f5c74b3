"""The Python guest as a component.

component.py     built once, kept by hash; its compiled code cached
soundness.py     a component whose memory is its whole state
instructions.py  the instructions that such a one may have
binary.py        reading and writing the WebAssembly format
cache.py         the folder where what was built is kept
selftest.py      at every start: a fork is its original
"""
