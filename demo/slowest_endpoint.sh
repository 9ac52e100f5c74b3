#!/bin/sh
# A module, called from a cell: percentiles over JSON Lines of some 7 MB.
# Usage: demo/slowest_endpoint.sh [URL]
exec python3 "$(dirname "$0")/ask.py" slowest_endpoint "$@"
