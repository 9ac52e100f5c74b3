"""A conversation that has grown long: of earlier reports the beginning and the end are left."""

HEAD = 400  # code points that are left of a report
TAIL = 200
LISTED = 3000  # of the variables


def shortened(report: str) -> str:
    """What stays of what a model was told."""
    head, tail = report[:HEAD], report[-TAIL:]
    # At the ends of lines, if that costs less than half of either.
    head = head[: head.rfind("\n") + 1] if head.rfind("\n") >= HEAD // 2 else f"{head}\n"
    tail = tail[tail.find("\n") + 1 :] if 0 <= tail.find("\n") < TAIL // 2 else tail
    cut = f"{head}[... {len(report) - len(head) - len(tail)} characters of what you have seen are left out here ...]\n{tail}"
    return cut if len(cut) < len(report) else report


def saved(report: str) -> int:
    """How many characters that leaves out."""
    return len(report) - len(shortened(report))


def note(listed: str) -> str:
    """With the first report behind which that was done; `listed`: what a block that lists the variables printed."""
    listed = listed if len(listed) <= LISTED else f"{listed[:LISTED]} ..."
    return f"(Earlier outputs above are shortened; all variables are there. SHOW_VARS() was run to list them.)\n{listed}"
