"""The execution of queries.

service.py   the one way to runs: start, go on with, list
query.py     what a caller asks
underway.py  the task of each run, from its turn to its end in the store; the handle of who waits for it
execute.py   puts a run together from its first event, and executes it
run.py       the root loop
conversation.py what a root model is sent: it grows, and is compacted
direct.py    direct answers: one call with the whole context
cells.py     what a run does in its guest
subcalls.py  the sub-calls of a run
typed.py     those whose reply has to fit a JSON Schema
answers.py   whether an answer is taken
schemas.py   what is taken of one
fitting.py   whether a value fits it
admission.py which runs go on and which wait
machine.py   how much memory there is
observers.py who sees its events as they are written
sources.py   where replies come from: models, a recording, or both
replay.py    a run executed again from its journal
"""
