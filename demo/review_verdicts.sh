#!/bin/sh
# Classification by sub-models, aggregated by map_reduce, over a JSON context.
# Usage: demo/review_verdicts.sh [URL]
exec python3 "$(dirname "$0")/ask.py" review_verdicts "$@"
