"""How an exception is shown to the model that wrote the cell."""

import traceback

from . import errors, hints

_LIMIT = 8000  # code points of one traceback


def shown(raised: BaseException) -> str:
    """The traceback through the cells' own lines, bounded, with a hint if one helps."""
    if isinstance(raised, errors.CommandError):
        return str(raised)[:_LIMIT]
    try:
        text = "".join(_cell_frames(traceback.TracebackException.from_exception(raised)).format()).rstrip()
    except BaseException:
        text = type(raised).__name__
    if len(text) > _LIMIT:
        half = _LIMIT // 2
        text = f"{text[:half]}\n[{len(text) - 2 * half} code points left out]\n{text[-half:]}"
    return text + _hint(raised)


def _hint(raised: BaseException) -> str:
    try:
        hint = hints.about(raised)
    except BaseException:
        return ""
    return f"\n({hint})" if hint else ""


def _cell_frames(error: traceback.TracebackException) -> traceback.TracebackException:
    pending = [error]
    while pending:
        each = pending.pop()
        each.stack[:] = [frame for frame in each.stack if frame.filename.startswith("<cell ")]
        pending += filter(None, (each.__cause__, each.__context__, *(each.exceptions or ())))
    return error
