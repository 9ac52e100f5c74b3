#!/bin/sh
# A log of 50 MB, summarised in chunks: counts by modules, an hour at a time by sub-models, in parallel.
# Usage: demo/log_summary.sh [URL]
exec python3 "$(dirname "$0")/ask.py" log_summary "$@"
