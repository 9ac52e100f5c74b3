"""python -m orchestrator: what the `rlm` command runs."""

from orchestrator.cli.main import main

raise SystemExit(main())
