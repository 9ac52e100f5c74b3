#!/bin/sh
# A family tree over 100 documents: a child run for each family.
# Usage: demo/family_tree.sh [URL]
exec python3 "$(dirname "$0")/ask.py" family_tree "$@"
