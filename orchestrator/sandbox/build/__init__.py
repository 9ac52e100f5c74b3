"""The Python guest as a component.

component_files.py  the components on this machine: carried by the wheel, built here or brought here
componentize.py     the sources of the guest built into one
component.py        its machine code: compiled once
soundness.py        a component whose memory is its whole state
instructions.py     the instructions that such a one may have
binary.py           reading and writing the WebAssembly format
cache.py            the folder where what was built and compiled is kept
selftest.py         at every start: a fork is its original
"""
