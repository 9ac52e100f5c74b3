"""What is left of an earlier report."""

import pytest

from orchestrator.dialogue.shortening import shortened


def test_the_beginning_and_the_end_are_left():
    """Cut at the ends of lines, with how much is left out."""
    report = "Block 1 printed 2891 characters:\n" + "line of output\n" * 170 + "\n(19 replies left.)"
    assert shortened(report) == (
        "Block 1 printed 2891 characters:\n" + "line of output\n" * 24
        + "[... 2010 characters of what you have seen are left out here ...]\n" + "line of output\n" * 12 + "\n(19 replies left.)"
    )  # fmt: skip


def test_one_long_line_is_cut_within():
    """It has no end of a line."""
    assert (
        shortened("x" * 1000) == "x" * 400 + "\n[... 399 characters of what you have seen are left out here ...]\n" + "x" * 200
    )


@pytest.mark.parametrize("report", ["", "short", "x" * 660, "x\n" * 330])
def test_what_would_be_no_shorter_stays(report):
    """Nothing is left out for a line that says so."""
    assert shortened(report) == report
