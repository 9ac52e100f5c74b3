#!/bin/sh
# A thousand lines, classified fifty at a time by sub-models, counted per user.
# Usage: demo/user_labels.sh [URL]
exec python3 "$(dirname "$0")/ask.py" user_labels "$@"
