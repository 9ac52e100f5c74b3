"""The `rlm` command: one file for each thing that it does.

main.py         which command, and which error is which exit status
init.py         rlm init
query.py        rlm query
serve.py        rlm serve
providers.py    rlm providers
runs.py         rlm runs
show.py         rlm show
follow.py       rlm follow
cancel.py       rlm cancel
fork.py         rlm fork
server.py       a server that these reach by its HTTP interface
replay.py       rlm replay
export.py       rlm export
build_guest.py  rlm build-guest
guest.py        rlm guest
command.py      how all of them take arguments
settings.py     the settings of a command: the configuration, and options instead
inputs.py       what a run is about: files, folders, standard input
journals.py     the journals of rlm query, kept and found again
progress.py     what a run does, on a terminal
dry_run.py      what would be sent
finding.py      the models that this machine has
config_text.py  the text of a config.toml
say.py          what the program writes; nothing in it steers a terminal
"""
