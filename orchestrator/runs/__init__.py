"""The execution of queries.

service.py   the one way to runs: start, follow, wait for, cancel
execute.py   puts a run together from its first event, and executes it
run.py       the root loop
cells.py     what a run does in its guest
subcalls.py  the sub-calls of a run
admission.py which runs go on and which wait
machine.py   how much memory there is
observers.py who sees its events as they are written
sources.py   where replies come from: models, a recording, or both
replay.py    a run executed again from its journal
"""
