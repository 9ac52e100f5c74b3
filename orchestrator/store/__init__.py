"""Where runs last: their journals in a database, which one process writes by one thread.

database.py   opens it: SQLite or PostgreSQL, its tables brought to this version; which errors pass
tables.py     the tables
writer.py     the one thread: what waits is committed together
runs.py       runs: begun, appended to, taken over, ended, read, forgotten
searching.py  what lists of runs are searched by
keys.py       idempotency keys: a request that is sent twice is one run
messages.py   what the store is asked by
forgetting.py runs that have ended, beyond what is kept
journals.py   the face to the rest: journals of runs that go on, and of those that have ended
replies.py    replies of models that are kept
holders.py    which processes still live
"""
