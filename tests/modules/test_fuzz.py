"""The fuzzer's short form; `make fuzz` runs the long one."""

import fuzz


def test_every_case_is_a_result_or_a_refusal():
    """Of 800 cases none is another exception, a wrong count of fuel, or takes longer than it may."""
    failures = []
    counts = fuzz.fuzzed(1, range(800), failures.append)
    assert (failures, counts["FAILED"]) == ([], 0)
    assert counts["result"] > 120
    assert len(counts) > 10
