#!/bin/sh
# Code and sub-calls over the source of Python's standard library, one text of some 12 million characters.
# Usage: demo/most_classes.sh [URL]
exec python3 "$(dirname "$0")/ask.py" most_classes "$@"
