"""The `rlm` command: one file for each thing that it does.

main.py         the arguments; which error is which exit status
serve.py        rlm serve
query.py        rlm query
replay.py       rlm replay
export.py       rlm export
build_guest.py  rlm build-guest
guest.py        rlm guest
inputs.py       configurations, contexts and journals in files
progress.py     what a run does, on a terminal
say.py          what the program says of itself
"""
