"""Hostile requests, contexts and WebAssembly against the boundary of modules; a case is its seed and number, nothing else."""

import argparse
import json
import sys
import time
from collections import Counter
from random import Random

import msgspec
from fuzz_cases import context, request

from orchestrator.config import SandboxSettings
from orchestrator.sandbox import host_imports
from orchestrator.sandbox.calls import Calls
from orchestrator.sandbox.engine import Engine
from orchestrator.sandbox.entered import entering
from orchestrator.sandbox.execution import Execution, Inputs
from orchestrator.sandbox.limits import Meter
from orchestrator.sandbox.messages import CallRecord, HostError, HostResult, SubReply
from orchestrator.sandbox.modules import registry, wat_compiler

SECONDS = 2.0
GRACE = 2.0
SETTINGS = SandboxSettings(fuel=50_000_000, seconds=SECONDS, memory_bytes=64 << 20)
KINDS = {"ModuleError", "TypeError", "ValueError", "BudgetError"}


class Fuel:
    """Stands for the store of a guest's instance: only its fuel counts."""

    def get_fuel(self):
        return self.left

    def set_fuel(self, left):
        self.left = left


def ask(call, *, repeatable):
    """A model that fails, and whose budget ends, by what it is asked."""
    if any("!" in each.text for each in call.prompts):
        return HostResult(error=HostError("BudgetError", "max_sub_calls"))
    return HostResult(
        tuple(SubReply(text=each.text[:20]) if "?" not in each.text else SubReply(error="no") for each in call.prompts)
    )


def outcome(engine, seed, case):
    """What a case came to, in a word; what must not be begins with "FAILED"."""
    rng = Random(f"{seed} {case}")
    given, (name, asked) = context(rng), request(rng)
    records = []
    execution = Execution(Inputs(given, seed, 0), SETTINGS, Meter(SECONDS), engine.modules, Calls(ask, records.append))
    fuel = rng.choice((10**5, 10**6, 10**7, 5 * 10**7))
    execution.begin(Fuel(), fuel)
    began = time.monotonic()
    with entering(execution):
        try:
            found = host_imports.call(execution, name, asked)
        except BaseException as error:  # noqa: BLE001  (any other exception is what is looked for)
            return f"FAILED raised {type(error).__name__}: {' '.join(str(error).split())[:200]}"
    seconds = time.monotonic() - began
    if seconds > SECONDS + GRACE:
        return f"FAILED took {seconds:.1f} s"
    return judged(found, records, fuel)


def judged(found, records, fuel):
    answer = json.loads(found.payload)
    [record] = records
    if not 0 <= record.fuel <= fuel:
        return f"FAILED fuel {record.fuel} of {fuel}"
    if msgspec.json.decode(msgspec.json.encode(record), type=CallRecord) != record:
        return f"FAILED the journal would read another record: {record!r:.200}"
    if found.tag == "ok":
        return "result"
    if answer["type"] not in KINDS or not answer["message"].strip():
        return f"FAILED {found.payload[:200]}"
    return refused(answer)


def refused(answer):
    message = answer["message"].partition(": ")[2]
    known = (
        "it used up the fuel",
        "it was stopped",
        "it cannot be compiled",
        "it does not export",
        "it imports",
        "it named the bytes",
    )
    known += ("out of memory", "its result is not JSON", "internal error", "the result has more", "it answered with the status")
    return f"{answer['type']}: " + next((each for each in known if message.startswith(each)), "another")


def run(engine, seed, cases, told):
    """Counts of outcomes; failures are told as they come."""
    counts = Counter()
    for done, case in enumerate(cases, 1):
        kind = engine.enter(lambda case=case: outcome(engine, seed, case)).result()
        counts["FAILED" if kind.startswith("FAILED") else kind] += 1
        if kind.startswith("FAILED"):
            told(f"seed {seed} case {case}: {kind}")
        if done % 10_000 == 0:
            told(f"{done} cases")
    return counts


def fuzzed(seed, cases, told):
    """The same with an engine of its own."""
    # A process for each text would be most of the time; tests/modules/test_module_escapes.py has those that need one.
    registry.compile_text = lambda text, meter: wat_compiler.machine_code(text)
    engine = Engine(SETTINGS)
    try:
        return run(engine, seed, cases, told)
    finally:
        registry.compile_text = wat_compiler.compile_text
        engine.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--case", type=int, help="only this one")
    given = parser.parse_args()
    began = time.monotonic()
    cases = range(given.cases) if given.case is None else (given.case,)
    counts = fuzzed(given.seed, cases, told=lambda line: print(line, flush=True))
    for kind, count in counts.most_common():
        print(f"{count:8} {kind}")
    print(f"{len(cases) / (time.monotonic() - began):.0f} cases per second")
    return 1 if counts["FAILED"] else 0


if __name__ == "__main__":
    sys.exit(main())
