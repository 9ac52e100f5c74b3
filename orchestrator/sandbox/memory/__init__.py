"""The memories of guests.

memory.py     snapshot and fork
mappings.py   what the operating system offers for it
parked.py     a snapshot put away: what it has beside the one that it came from
spool.py      the file where that is
"""
