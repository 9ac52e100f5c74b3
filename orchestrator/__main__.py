"""python -m orchestrator: the same as the `rlm` command."""

from orchestrator.cli import main

raise SystemExit(main())
