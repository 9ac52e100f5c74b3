#!/bin/sh
# Verdicts of a sub-model on lines that code has found, over the same text.
# Usage: demo/import_calls.sh [URL]
exec python3 "$(dirname "$0")/ask.py" import_calls "$@"
