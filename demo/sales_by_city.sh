#!/bin/sh
# A module, called by a JSON command: sums over CSV of some 2 MB.
# Usage: demo/sales_by_city.sh [URL]
exec python3 "$(dirname "$0")/ask.py" sales_by_city "$@"
