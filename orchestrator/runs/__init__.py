"""The execution of queries.

service.py   the life of runs: begun, gone on with, ended, forgotten
owned.py     what somebody can do with their own: list, follow, cancel, delete, fork, go on after, verify
query.py     what a caller asks
beginning.py what a run begins with: its first event, and what it has from another run
forking.py   what a run has from another one: its events up to a turn, or what its cells left
following.py the events of a run as they come, and its reply that is under way, for any number of readers
underway.py  the task of each run, from its turn to its end in the store
handles.py   what a run begins with, and the handle of one that goes on
children.py  child runs: what each is asked and may spend, how it is begun or taken over, and what came of it
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
parking.py   a run that waits long gives its guest and its place up
machine.py   how much memory there is
observers.py who sees its events as they are written
sources.py   where a run takes from what is not its own doing
live.py      the source of a run whose models are asked now
recorded.py  the sources of one that was executed before: its recording alone, or that and then its models
replay.py    a run executed again from its journal
"""
