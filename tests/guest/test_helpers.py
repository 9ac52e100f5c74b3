"""The helpers of a cell, as plain functions."""

import re
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rlm_guest import helpers
from rlm_guest.chunks import chunk_by_tokens, chunk_text

TEXTS = st.text(alphabet="ab \n\r.é😀", max_size=300)


def message_of(function, *arguments, **named):
    """The whole message of the ValueError that the call raises."""
    with pytest.raises(ValueError) as error:  # noqa: PT011  (the caller compares the whole message)
        function(*arguments, **named)
    return str(error.value)


@given(TEXTS, st.integers(1, 50), st.data(), st.booleans())
def test_no_chunk_is_empty_or_longer_than_chunk_size(text, size, data, preserve):
    """Every chunk of chunk_text has 1 to chunk_size code points."""
    chunks = chunk_text(text, size, data.draw(st.integers(0, size - 1)), preserve)
    assert [chunk for chunk in chunks if not 0 < len(chunk) <= size] == []


@given(TEXTS, st.integers(1, 50), st.data(), st.booleans())
def test_chunks_without_their_overlaps_are_the_text(text, size, data, preserve):
    """Each chunk after the first begins with exactly `overlap` code points of the one before, and nothing is lost."""
    overlap = data.draw(st.integers(0, size - 1))
    chunks = chunk_text(text, size, overlap, preserve)
    assert "".join(chunk[overlap if index else 0 :] for index, chunk in enumerate(chunks)) == text


@pytest.mark.parametrize(
    ("text", "arguments", "chunks"),
    [
        ("", {}, []),
        ("short", {}, ["short"]),
        ("abc", {"chunk_size": 1, "overlap": 0}, ["a", "b", "c"]),
        ("abcdef", {"chunk_size": 4, "overlap": 2}, ["abcd", "cdef"]),
        ("x" * 5, {"chunk_size": 2, "overlap": 0}, ["xx", "xx", "x"]),
        ("é😀é😀", {"chunk_size": 2, "overlap": 0}, ["é😀", "é😀"]),
        ("one\n\ntwo\n\nthree", {"chunk_size": 12, "overlap": 0, "preserve_paragraphs": True}, ["one\n\ntwo\n\n", "three"]),
        ("one\n\ntwo\n\nthree", {"chunk_size": 12, "overlap": 0}, ["one\n\ntwo\n\nth", "ree"]),
        (
            "one\r\n\r\ntwo\r\nthree",
            {"chunk_size": 14, "overlap": 0, "preserve_paragraphs": True},
            ["one\r\n\r\n", "two\r\nthree"],
        ),
        ("one\ntwo\nthree", {"chunk_size": 10, "overlap": 0, "preserve_paragraphs": True}, ["one\ntwo\n", "three"]),
        ("aaaa bbbb cccc", {"chunk_size": 11, "overlap": 0, "preserve_paragraphs": True}, ["aaaa bbbb ", "cccc"]),
    ],
)
def test_chunks_end_at_a_paragraph_a_line_or_a_word(text, arguments, chunks):
    """If paragraphs are kept, a chunk ends at the last paragraph that fits, else line, else word, else where it is full."""
    assert chunk_text(text, **arguments) == chunks


@pytest.mark.parametrize(("size", "overlap"), [(0, 0), (-1, 0), (5, 5), (5, -1)])
def test_impossible_chunks_are_refused(size, overlap):
    """A chunk_size below 1, or an overlap that leaves no progress, is a ValueError."""
    assert message_of(chunk_text, "text", size, overlap) == (
        "chunk_text: chunk_size must be at least 1 and overlap from 0 to chunk_size - 1"
    )


def tokens(text):
    """The helpers' own estimate: runs of up to four ASCII characters, or one other."""
    return re.findall(r"[\x00-\x7f]{1,4}|[^\x00-\x7f]", text)


@given(TEXTS, st.integers(1, 20), st.data())
def test_no_chunk_has_more_than_max_tokens(text, most, data):
    """Every chunk of chunk_by_tokens has 1 to max_tokens tokens by its own estimate."""
    chunks = chunk_by_tokens(text, most, data.draw(st.integers(0, most - 1)))
    assert [chunk for chunk in chunks if not 0 < len(tokens(chunk)) <= most] == []


@given(TEXTS, st.integers(1, 20), st.data())
def test_chunks_of_tokens_cover_the_text(text, most, data):
    """Each chunk starts max_tokens - overlap_tokens tokens behind the start of the one before, and nothing is lost."""
    overlap = data.draw(st.integers(0, most - 1))
    chunks = chunk_by_tokens(text, most, overlap)
    steps = ["".join(tokens(chunk)[: most - overlap]) for chunk in chunks[:-1]]
    assert "".join(steps + chunks[-1:]) == text


@pytest.mark.parametrize(
    ("text", "arguments", "chunks"),
    [
        ("", {}, []),
        ("abcde", {"max_tokens": 1, "overlap_tokens": 0}, ["abcd", "e"]),
        ("éé", {"max_tokens": 1, "overlap_tokens": 0}, ["é", "é"]),
        ("aaaaaaa bbbbbb", {"max_tokens": 3, "overlap_tokens": 2}, ["aaaaaaa ", "aaa bbbbbb"]),
        ("a\r\nb", {"max_tokens": 1, "overlap_tokens": 0}, ["a\r\nb"]),
        ("abc", {"max_tokens": 10**12, "overlap_tokens": 10**12 - 1}, ["abc"]),
    ],
)
def test_chunks_by_tokens(text, arguments, chunks):
    """Four ASCII characters or one other are a token, and a chunk with overlap ends at a word."""
    assert chunk_by_tokens(text, **arguments) == chunks


@pytest.mark.parametrize(("most", "overlap"), [(0, 0), (5, 5), (5, -1)])
def test_impossible_token_chunks_are_refused(most, overlap):
    """A max_tokens below 1, or an overlap that leaves no progress, is a ValueError."""
    assert message_of(chunk_by_tokens, "text", most, overlap) == (
        "chunk_by_tokens: max_tokens must be at least 1 and overlap_tokens from 0 to max_tokens - 1"
    )


@pytest.mark.parametrize("text", ["word " * 1_000_000, "x" * 5_000_000, "é" * 5_000_000, "\n" * 5_000_000])
@pytest.mark.parametrize("chunk", [chunk_text, chunk_by_tokens])
def test_five_million_characters_take_seconds_at_most(chunk, text):
    """Chunking is linear, whatever the text is made of."""
    began = time.perf_counter()
    assert "".join(chunk(text, 1000, 0)) == text
    assert time.perf_counter() - began < 10


def test_one_chunk_can_have_a_million_tokens():
    """A large max_tokens costs no more than a small one."""
    assert list(map(len, chunk_by_tokens("x" * 5_000_000, 1_000_000, 0))) == [4_000_000, 1_000_000]


@given(TEXTS, st.integers(0, 50), st.sampled_from(["...", "", " [cut]"]))
def test_a_truncated_text_is_never_longer(text, length, suffix):
    """smart_truncate gives at most max_length code points, also where the suffix alone is longer."""
    assert len(helpers.smart_truncate(text, length, suffix)) <= length


@given(TEXTS, st.integers(0, 50))
def test_a_truncated_text_is_a_beginning_and_the_suffix(text, length):
    """What smart_truncate keeps before the suffix is a beginning of the text."""
    result = helpers.smart_truncate(text, length)
    assert result in (text, "..."[:length]) or text.startswith(result.removesuffix("..."))


@pytest.mark.parametrize(
    ("text", "arguments", "result"),
    [
        ("", {"max_length": 0}, ""),
        ("short", {"max_length": 5}, "short"),
        ("One two three four", {"max_length": 12}, "One two..."),
        ("One two three four", {"max_length": 10}, "One two..."),
        ("First one. Second one. Third", {"max_length": 20}, "First one...."),
        ("First one. Second one. Third", {"max_length": 25}, "First one. Second one...."),
        ("abcdefghij", {"max_length": 6}, "abc..."),
        ("abcdefghij", {"max_length": 2}, ".."),
        ("abcdefghij", {"max_length": 6, "suffix": ""}, "abcdef"),
        ("abcdefghij", {"max_length": 3, "suffix": " [cut]"}, " [c"),
        (" abcdefghij", {"max_length": 6}, " ab..."),
        ("😀😀😀😀😀", {"max_length": 4}, "😀..."),
    ],
)
def test_a_text_is_cut_at_a_sentence_or_a_word(text, arguments, result):
    """smart_truncate cuts behind the last sentence or word that fits, and inside a word only where none does."""
    assert helpers.smart_truncate(text, **arguments) == result


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (helpers.smart_truncate, ["text", -1], "smart_truncate: max_length must be at least 0, not -1"),
        (helpers.regex_search, ["x", "text", -1], "regex_search: max_matches must be at least 0, not -1"),
        (helpers.keyword_filter, ["text", ["x"], -1], "keyword_filter: context_chars must be at least 0, not -1"),
        (helpers.count_frequencies, ["text", -1], "count_frequencies: top_n must be at least 0, not -1"),
        (helpers.aggregate_results, [[], "x"], "aggregate_results: method must be join, sum, count, list or dict, not 'x'"),
        (helpers.merge_dicts, [[], "x"], "merge_dicts: merge_strategy must be sum, last, first or list, not 'x'"),
        (helpers.aggregate_results, [["one"], "sum"], "could not convert string to float: 'one'"),
    ],
)
def test_bad_arguments_are_refused(function, arguments, message):
    """What makes no sense is a ValueError that names the parameter."""
    assert message_of(function, *arguments) == message


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ({"pattern": r"^\w", "text": "ab\ncd"}, ["a", "c"]),
        ({"pattern": r"\d", "text": "1 2 3", "max_matches": 2}, ["1", "2"]),
        ({"pattern": r"\d", "text": "1 2 3", "max_matches": 0}, []),
        ({"pattern": r"(a)(b)", "text": "ab"}, ["ab"]),
        ({"pattern": "x", "text": ""}, []),
        ({"pattern": r"\d+", "text": "😀 12", "return_positions": True}, [{"match": "12", "start": 2, "end": 4}]),
    ],
)
def test_regex_search(arguments, found):
    """regex_search gives the first max_matches whole matches, or also their positions."""
    assert helpers.regex_search(**arguments) == found


def test_a_bad_pattern_is_a_pattern_error():
    """The message is that of Python's re."""
    with pytest.raises(re.error) as error:
        helpers.regex_search("(", "text")
    assert str(error.value) == "missing ), unterminated subpattern at position 0"


@pytest.mark.parametrize(
    ("text", "arguments", "sections"),
    [
        ("", {}, []),
        ("no heading", {}, []),
        (
            "intro\n# One\nfirst\n\n## Two\nsecond",
            {},
            [
                {"title": "# One", "start": 6, "end": 19, "content": "first"},
                {"title": "## Two", "start": 19, "end": 32, "content": "second"},
            ],
        ),
        ("# One\r\nfirst\r\n", {}, [{"title": "# One", "start": 0, "end": 14, "content": "first"}]),
        ("# One", {}, [{"title": "# One", "start": 0, "end": 5, "content": ""}]),
        ("= A\nx", {"section_pattern": r"^= \w", "include_content": False}, [{"title": "= A", "start": 0, "end": 5}]),
        ("= A\nx", {"section_pattern": r"^= (\w)$"}, [{"title": "A", "start": 0, "end": 5, "content": "x"}]),
        ("= A\nx", {"section_pattern": r"^= (?:(B)|A)$"}, [{"title": "= A", "start": 0, "end": 5, "content": "x"}]),
    ],
)
def test_find_sections(text, arguments, sections):
    """A section goes from its heading to the next one."""
    assert helpers.find_sections(text, **arguments) == sections


KEYS = "x" * 20 + "KEY" + "y" * 20 + "key" + "z" * 20


@pytest.mark.parametrize(
    ("text", "keywords", "characters", "passages"),
    [
        (KEYS, ["key"], 5, ["xxxxxKEYyyyyy", "yyyyykeyzzzzz"]),
        (KEYS, "key", 10, ["x" * 10 + "KEY" + "y" * 20 + "key" + "z" * 10]),
        (KEYS, ["key"], 1000, [KEYS]),
        (KEYS, [], 5, []),
        (KEYS, "", 5, []),
        (KEYS, ["", "key"], 0, ["KEY", "key"]),
        ("", ["key"], 5, []),
        ("a.b", ["."], 0, ["."]),
        ("taxes", ["tax", "taxes"], 0, ["taxes"]),
        ("ÉTÉ", ["été"], 0, ["ÉTÉ"]),
    ],
)
def test_keyword_filter(text, keywords, characters, passages):
    """Every keyword gives the passage around it, whatever its case, and passages that touch are one."""
    assert helpers.keyword_filter(text, keywords, characters) == passages


@pytest.mark.parametrize(
    ("results", "arguments", "expected"),
    [
        ([], {}, ""),
        (["a", "", None, "b"], {}, "a\nb"),
        ([0, False, [], {}], {}, "0\nFalse"),
        (["a", "", "b"], {"separator": "-", "filter_empty": False}, "a--b"),
        ([1, "2.5", 0], {"method": "sum"}, 3.5),
        ([], {"method": "sum"}, 0),
        (["a", None, "b"], {"method": "count"}, 2),
        (["a", None], {"method": "count", "filter_empty": False}, 2),
        (["a", []], {"method": "list"}, ["a"]),
        ([{"a": 1}, {"a": 2, "b": 3}, ("c", 4), [("d", 5)]], {"method": "dict"}, {"a": 2, "b": 3, "c": 4, "d": 5}),
    ],
)
def test_aggregate_results(results, arguments, expected):
    """Each method of aggregate_results makes one value of what is not empty."""
    assert helpers.aggregate_results(results, **arguments) == expected


@pytest.mark.parametrize(
    ("items", "top", "counts"),
    [
        ("baab c", None, [("b", 2), ("a", 2), (" ", 1), ("c", 1)]),
        ("aab", 1, [("a", 2)]),
        ("aab", 0, []),
        ([], None, []),
    ],
)
def test_count_frequencies(items, top, counts):
    """The most frequent come first, and equal counts keep the order of the items."""
    assert list(helpers.count_frequencies(items, top).items()) == counts


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [("sum", {"a": 3, "b": 5}), ("last", {"a": 2, "b": 5}), ("first", {"a": 1, "b": 5}), ("list", {"a": [1, 2], "b": [5]})],
)
def test_merge_dicts(strategy, expected):
    """Where a key repeats, the strategy chooses."""
    assert helpers.merge_dicts([{"a": 1}, {"a": 2, "b": 5}], strategy) == expected


def test_texts_and_lists_are_summed():
    """The strategy "sum" adds whatever can be added."""
    assert helpers.merge_dicts([{"a": "x", "b": [1]}, {"a": "y", "b": [2]}]) == {"a": "xy", "b": [1, 2]}


def test_merging_changes_nothing():
    """The values of the given dicts stay as they were."""
    dicts = [{"a": [1]}, {"a": [2]}]
    helpers.merge_dicts(dicts)
    assert dicts == [{"a": [1]}, {"a": [2]}]


def test_a_hundred_thousand_lists_are_merged_in_one_pass():
    """Adding lists does not copy each sum."""
    began = time.perf_counter()
    assert len(helpers.merge_dicts([{"a": [0]}] * 100_000)["a"]) == 100_000
    assert time.perf_counter() - began < 2


def halves(piece):
    middle = len(piece) // 2
    return [piece[:middle], piece[middle:]]


@given(TEXTS)
@example("")
def test_recursive_split_keeps_the_text(text):
    """Where split_fn loses nothing, the pieces are the text."""
    assert "".join(helpers.recursive_split(text, lambda piece: len(piece) <= 10, halves)) == text


@given(TEXTS, st.integers(1, 10))
def test_recursive_split_goes_on_until_the_condition_holds(text, most):
    """No piece is left that split_fn could still split."""
    pieces = helpers.recursive_split(text, lambda piece: len(piece) <= most, halves)
    assert [piece for piece in pieces if len(piece) > most] == []


@pytest.mark.parametrize(
    ("text", "split", "depth", "pieces"),
    [
        ("abcd", lambda piece: [piece[:1], piece[1:]], 2, ["a", "b", "cd"]),
        ("abcd", lambda piece: [piece[:1], piece[1:]], 0, ["abcd"]),
        ("abcd", lambda piece: [piece], 10, ["abcd"]),
        ("a b", str.split, 10, ["a", "b"]),
        ("--ab--cd--ef", lambda piece: piece.split("--", 1), 10, ["ab", "cd", "ef"]),
        ("", halves, 10, []),
    ],
)
def test_recursive_split_stops(text, split, depth, pieces):
    """A piece stays as it is at max_depth, or when split_fn gives it back; empty pieces are left out."""
    assert helpers.recursive_split(text, lambda piece: False, split, depth) == pieces
