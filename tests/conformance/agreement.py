"""modules beside Python's own `re`, `csv` and `json`, in the guest: over random cases they agree, or say why not.

A case is its kind, seed and number. `make conformance` runs 20,000 of each kind, test_agreement.py some.
"""

import argparse
import asyncio
import json
import sys
from collections import Counter
from pathlib import Path
from random import Random

from agreement_cases import KINDS
from notebooks import Notebook

from orchestrator.config import SandboxSettings
from orchestrator.contexts.store import ContextStore
from orchestrator.sandbox.engine import Engine

INSIDE = (Path(__file__).parent / "agreement_inside.py").read_text()
AT_ONCE = 500  # cases of one cell
SETTINGS = SandboxSettings(fuel=10**11, seconds=120.0)


async def compared(engine, kind, seed, numbers):
    """Of one cell: [the outcome of each case]."""
    cases = [KINDS[kind](Random(f"{kind} {seed} {number}")) for number in numbers]
    context = ContextStore().add_text(json.dumps(cases))
    outcome = await Notebook(engine, context, None).run_cell(1, f"{INSIDE}\nreport({kind!r})")
    if outcome.error:
        raise RuntimeError(outcome.error)
    return json.loads((outcome.head + outcome.tail).splitlines()[-1])


async def run(engine, kind, seed, cases, told):
    """Counts of outcomes; what differs is told."""
    counts = Counter()
    for first in range(0, cases, AT_ONCE):
        numbers = range(first, min(first + AT_ONCE, cases))
        for number, found in zip(numbers, await compared(engine, kind, seed, numbers), strict=True):
            counts[found.partition(":")[0]] += 1
            if found.startswith("differs"):
                told(f"{kind} seed {seed} case {number}: {found}")
    return counts


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    engine = Engine(SETTINGS)
    differ = 0
    for kind in KINDS:
        counts = asyncio.run(run(engine, kind, given.seed, given.cases, told=lambda line: print(line, flush=True)))
        print(f"{kind}: {', '.join(f'{count} {outcome}' for outcome, count in counts.most_common())}", flush=True)
        differ += counts["differs"]
    engine.close()
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
