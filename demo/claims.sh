#!/bin/sh
# Verification of claims: passages found by code, judged by sub-models, the answer checked before it stands.
# Usage: demo/claims.sh [URL]
exec python3 "$(dirname "$0")/ask.py" claims "$@"
