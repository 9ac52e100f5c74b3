"""What a module left out of a text: the cell prints it."""

from typing import Any


def print_titles(titles: dict[str, Any]) -> None:
    """Which lines above a header were left out, if there are any."""
    for each in titles["first"]:
        document = f"document {each['document']}: " if "document" in each else ""
        one = each["lines"] == 1
        lines = "the line above the header is" if one else f"the {each['lines']} lines above the header are"
        print(f"modules.csv: {document}{lines} left out: {each['text']!r}")
    if titles["count"] > len(titles["first"]):
        print(f"modules.csv: so in {titles['count']} documents")


def print_broken(broken: dict[str, Any]) -> None:
    """Which lines were left out, if there are any."""
    if broken["count"]:
        first = "; ".join(_place(each) for each in broken["first"])
        left_out = "1 broken line was" if broken["count"] == 1 else f"{broken['count']} broken lines were"
        print(f"modules.json: {left_out} left out: {first}")


def _place(broken: dict[str, Any]) -> str:
    document = f"document {broken['document']}, " if "document" in broken else ""
    return f"{document}line {broken['line']} ({broken['error']})"
