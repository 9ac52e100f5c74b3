#!/bin/sh
# Patient records, as JSON: notes read by sub-models, then relations in time by code.
# Usage: demo/patients.sh [URL]
exec python3 "$(dirname "$0")/ask.py" patients "$@"
