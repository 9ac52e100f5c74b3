"""What happened in a run, in order. If it is not here, it did not happen.

events.py     what can happen: one tagged union
parts.py      what events are made of
journal.py    the events of one run, written by it and followed by readers
lines.py      a journal as JSON Lines, chained, of a known format
results.py    what the events say of a run: its result, what lists show
history.py    what a run did, turn by turn
usage.py      what a run used and what that cost, by model and in all
metrics.py    the same and what it took, by the names that others use
export.py     a run as a Python script
listing.py    a run as a listing of what was run and printed
recording.py  what was executed before: by turn, by cell, by sub-call
rewriting.py  a journal that is written again: what is in it must come to the same
"""
