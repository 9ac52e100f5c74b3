"""The helpers of a cell, as plain functions."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rlm_guest import helpers

TEXTS = st.text(alphabet="ab \n.é😀", max_size=300)


@given(TEXTS, st.integers(1, 50), st.data(), st.booleans())
def test_no_chunk_is_longer_than_chunk_size_and_nothing_is_lost(text, size, data, preserve):
    """Without their overlaps the chunks are the text."""
    overlap = data.draw(st.integers(0, size - 1))
    chunks = helpers.chunk_text(text, size, overlap, preserve)
    assert all(0 < len(chunk) <= size for chunk in chunks)
    assert "".join(chunk[overlap if index else 0 :] for index, chunk in enumerate(chunks)) == text


def test_chunks_end_at_paragraphs():
    """Where one fits."""
    assert helpers.chunk_text("one\n\ntwo\n\nthree", 10, 0) == ["one\n\ntwo\n\n", "three"]
    assert helpers.chunk_text("one\n\ntwo\n\nthree", 10, 0, preserve_paragraphs=False) == ["one\n\ntwo\n\n", "three"]
    assert helpers.chunk_text("aaaa bbbb cccc", 11, 0) == ["aaaa bbbb ", "cccc"]


@pytest.mark.parametrize(("size", "overlap"), [(0, 0), (5, 5), (5, -1)])
def test_impossible_chunks_are_refused(size, overlap):
    """Before anything is cut."""
    with pytest.raises(ValueError, match=r"^chunk_text: chunk_size must be at least 1 and overlap from 0 to chunk_size - 1$"):
        helpers.chunk_text("text", size, overlap)


def tokens(text):
    """The helpers' own estimate: runs of up to four ASCII characters, or one other."""
    return len(re.findall(r"[\x00-\x7f]{1,4}|[^\x00-\x7f]", text))


@given(TEXTS, st.integers(1, 20), st.data())
def test_no_chunk_has_more_than_max_tokens(text, most, data):
    """By their own estimate; without overlap they are the text, with it they begin and end as it does."""
    overlap = data.draw(st.integers(0, most - 1))
    chunks = helpers.chunk_by_tokens(text, most, overlap)
    assert all(0 < tokens(chunk) <= most for chunk in chunks)
    assert "".join(helpers.chunk_by_tokens(text, most, 0)) == text
    assert all(chunk in text for chunk in chunks)
    assert text.startswith("".join(chunks[:1]))
    assert text.endswith("".join(chunks[-1:]))


def test_five_million_characters_are_chunked():
    """In one pass."""
    chunks = helpers.chunk_by_tokens("word " * 1_000_000, 1000, 0)
    assert "".join(chunks) == "word " * 1_000_000


@given(TEXTS, st.integers(0, 50), st.sampled_from(["...", "", " [cut]"]))
def test_a_truncated_text_is_never_longer(text, length, suffix):
    """Also where the suffix is longer than that."""
    assert len(helpers.smart_truncate(text, length, suffix)) <= length


@pytest.mark.parametrize(
    ("text", "length", "result"),
    [
        ("short", 10, "short"),
        ("One two three four", 12, "One two..."),
        ("First one. Second one. Third", 20, "First one...."),
        ("abcdefghij", 6, "abc..."),
    ],
)
def test_a_text_is_cut_at_a_sentence_or_a_word(text, length, result):
    """The last one that fits."""
    assert helpers.smart_truncate(text, length) == result


def test_regex_search():
    """Matches, or their positions; at most max_matches."""
    assert helpers.regex_search(r"^\w", "ab\ncd", 5) == ["a", "c"]
    assert helpers.regex_search(r"\d", "1 2 3", 2) == ["1", "2"]
    assert helpers.regex_search(r"\d+", "a 12", return_positions=True) == [{"match": "12", "start": 2, "end": 4}]


def test_find_sections():
    """Headings with their content."""
    text = "intro\n# One\nfirst\n\n## Two\nsecond"
    assert helpers.find_sections(text) == [
        {"title": "# One", "start": 6, "end": 19, "content": "first"},
        {"title": "## Two", "start": 19, "end": 32, "content": "second"},
    ]
    assert helpers.find_sections("= A\nx", r"^= \w", include_content=False) == [{"title": "= A", "start": 0, "end": 5}]
    assert helpers.find_sections("") == []


def test_keyword_filter():
    """Passages around keywords; those that touch are one."""
    text = "x" * 20 + "KEY" + "y" * 20 + "key" + "z" * 20
    assert helpers.keyword_filter(text, ["key"], 5) == ["xxxxxKEYyyyyy", "yyyyykeyzzzzz"]
    assert helpers.keyword_filter(text, "key", 10) == ["x" * 10 + "KEY" + "y" * 20 + "key" + "z" * 10]
    assert helpers.keyword_filter("a.b", ["."], 0) == ["."]
    assert helpers.keyword_filter(text, [], 5) == []
    assert helpers.keyword_filter(text, [""], 5) == []


@pytest.mark.parametrize(
    ("results", "arguments", "expected"),
    [
        (["a", "", None, "b"], {}, "a\nb"),
        (["a", "", "b"], {"separator": "-", "filter_empty": False}, "a--b"),
        ([1, "2.5", 0], {"method": "sum"}, 3.5),
        (["a", None, "b"], {"method": "count"}, 2),
        (["a", []], {"method": "list"}, ["a"]),
        ([{"a": 1}, {"a": 2, "b": 3}, ("c", 4)], {"method": "dict"}, {"a": 2, "b": 3, "c": 4}),
    ],
)
def test_aggregate_results(results, arguments, expected):
    """Each method."""
    assert helpers.aggregate_results(results, **arguments) == expected


def test_unknown_methods_are_refused():
    """The message lists what there is."""
    with pytest.raises(ValueError, match=r"^aggregate_results: method must be join, sum, count, list or dict, not 'x'$"):
        helpers.aggregate_results([], "x")
    with pytest.raises(ValueError, match=r"^merge_dicts: strategy must be sum, last, first or list, not 'x'$"):
        helpers.merge_dicts([], "x")


def test_count_frequencies():
    """The most frequent first; ties in order."""
    assert list(helpers.count_frequencies("baab c").items()) == [("b", 2), ("a", 2), (" ", 1), ("c", 1)]
    assert helpers.count_frequencies("aab", 1) == {"a": 2}


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [("sum", {"a": 3, "b": 5}), ("last", {"a": 2, "b": 5}), ("first", {"a": 1, "b": 5}), ("list", {"a": [1, 2], "b": [5]})],
)
def test_merge_dicts(strategy, expected):
    """Each strategy."""
    assert helpers.merge_dicts([{"a": 1}, {"a": 2, "b": 5}], strategy) == expected


def test_sums_of_texts_and_lists():
    """Whatever can be added."""
    assert helpers.merge_dicts([{"a": "x", "b": [1]}, {"a": "y", "b": [2]}]) == {"a": "xy", "b": [1, 2]}


@given(TEXTS)
def test_recursive_split_keeps_the_text(text):
    """Pieces are short enough, or cannot be split."""

    def halves(piece):
        middle = len(piece) // 2
        return [piece[:middle], piece[middle:]]

    pieces = helpers.recursive_split(text, lambda piece: len(piece) <= 10, halves)
    assert "".join(pieces) == text
    assert all(len(piece) <= 10 for piece in pieces)


def test_recursive_split_stops_at_max_depth():
    """A piece that no split makes good enough is given as it is."""
    assert helpers.recursive_split("abcd", lambda piece: False, lambda piece: [piece[:1], piece[1:]], max_depth=2) == [
        "a",
        "b",
        "cd",
    ]
