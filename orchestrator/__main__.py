"""python -m orchestrator: the same as the `rlm` command."""

from orchestrator.cli.main import main

raise SystemExit(main())
