"""The index while it arrives: entries come, the last ones go, the others stay as they are."""

import io
from array import array

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.contexts import index
from orchestrator.contexts.index import IndexWriter

STEPS = st.lists(st.one_of(st.lists(st.integers(0, 2**63), max_size=9), st.floats(0, 1)), max_size=20)


@given(steps=STEPS, buffered=st.integers(1, 9))
def test_what_was_not_cut_is_written(tmp_path_factory, steps, buffered):
    """However much of it is in the file already. A fraction cuts to that part."""
    held, index._BUFFERED = index._BUFFERED, buffered
    writer, expected = IndexWriter(tmp_path_factory.getbasetemp()), []
    for step in steps:
        if isinstance(step, list):
            writer.extend(step)
            expected += step
        else:
            length = int(step * len(expected))
            writer.cut(length)
            del expected[length:]
        assert len(writer) == len(expected)
    file = io.BytesIO()
    index._BUFFERED = held
    assert (writer.write_to(file), file.getvalue()) == (8 * len(expected), array("Q", expected).tobytes())
    writer.close()
