#!/bin/sh
# All pairs in a relation: a sub-model labels notes, code compares every two of them.
# Usage: demo/pairs.sh [URL]
exec python3 "$(dirname "$0")/ask.py" pairs "$@"
