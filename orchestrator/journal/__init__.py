"""What happened in a run, in order. If it is not here, it did not happen.

events.py   what can happen: one tagged union
journal.py  the events of one run
kept.py     the journals of the last runs
lines.py    a journal as JSON Lines, chained
history.py  what the events say: a result, turns
export.py   a run as a Python script
"""
