#!/bin/sh
# JSON commands over a generated log of some 5 MB.
# Usage: demo/log_errors.sh [URL]
exec python3 "$(dirname "$0")/ask.py" log_errors "$@"
