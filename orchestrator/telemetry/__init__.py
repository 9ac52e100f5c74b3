"""What is told to programs that watch this one. Folds over the events of live runs; a run knows nothing of them.

totals.py     what the events add up to
histogram.py  how often something took how long
metrics.py    the totals, and the state of pool and sandbox, as Prometheus reads them
spans.py      a run as a trace: its spans begin and end with its events
tracing.py    whether there are any: only if the environment names a collector
otlp.py       where they go
"""
