#!/bin/sh
# One sentence in a book, in other words than the question's: code finds passages, a sub-model judges them.
# Usage: demo/needle.sh [URL]
exec python3 "$(dirname "$0")/ask.py" needle "$@"
