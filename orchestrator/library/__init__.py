"""The same as the server and the command line, from Python: `from orchestrator import RLM`.

rlm.py         RLM: ask a question, follow its events
streams.py     the events of a run that goes on
results.py     what a run came to
asking.py      what may be said of one question
inputs.py      what a question is about, as Python has it
own_model.py   a model of the caller's own
background.py  the event loop that all of it runs in
"""
