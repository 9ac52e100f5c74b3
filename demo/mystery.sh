#!/bin/sh
# A detective's mystery: sub-models read testimonies into values of a type, code finds who contradicts whom.
# Usage: demo/mystery.sh [URL]
exec python3 "$(dirname "$0")/ask.py" mystery "$@"
