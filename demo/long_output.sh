#!/bin/sh
# A long answer, built in parts over several turns.
# Usage: demo/long_output.sh [URL]
exec python3 "$(dirname "$0")/ask.py" long_output "$@"
