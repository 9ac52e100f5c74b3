"""The execution of queries.

service.py   starts runs
run.py       the root loop
cells.py     what a run does in its guest
subcalls.py  the sub-calls of a run
replay.py    a run executed again from its journal
"""
