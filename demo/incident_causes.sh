#!/bin/sh
# Thirty documents, each read by a sub-model.
# Usage: demo/incident_causes.sh [URL]
exec python3 "$(dirname "$0")/ask.py" incident_causes "$@"
