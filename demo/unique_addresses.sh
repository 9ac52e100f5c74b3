#!/bin/sh
# Different addresses and a ranking of errors in an access log: modules, called by JSON commands.
# Usage: demo/unique_addresses.sh [URL]
exec python3 "$(dirname "$0")/ask.py" unique_addresses "$@"
