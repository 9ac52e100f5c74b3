"""`rlm query`: what it takes, what it prints, what it keeps."""

import gzip
import io
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from commands import rlm  # noqa: F401  a fixture
from fakes import python, used
from model_server import model_server

from orchestrator.contexts.store import ContextStore

KEPT = "data/rlm/contexts"
LENGTHS = python("FINAL(len(context) if isinstance(context, str) else [len(each) for each in context])")


@pytest.fixture
def ask(rlm):  # noqa: F811
    """ask(*arguments, replies=(...)): what `rlm query` comes to with a model that replies so."""

    def ask(*arguments, replies=(LENGTHS,), stdin=b"", **server):
        with model_server(*replies, **server) as url:
            os.environ["OPENAI_BASE_URL"] = url
            return rlm("query", *arguments, "--model", "openai/fake", stdin=stdin)

    return ask


@pytest.fixture(autouse=True)
def files(tmp_path):
    (tmp_path / "folder" / "deep").mkdir(parents=True)
    for name, text in {"four": "1234", "folder/b": "12", "folder/a": "1", "folder/deep/c": "123", "six": "123456"}.items():
        (tmp_path / name).write_text(text)


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        (["q", "four"], "4"),
        (["q", "folder"], "[1, 2, 3]"),
        (["q", "six", "folder", "four"], "[6, 1, 2, 3, 4]"),
        (["q", "-"], "7"),
        (["q", "four", "-"], "[4, 7]"),
        (["--context", "four", "q"], "4"),
        (["q", "--context", "four", "--context", "six"], "[4, 6]"),
        (["q", "--json", "four", "--verbose", "six"], None),
    ],
)
def test_it_is_about_a_text_or_documents(ask, arguments, answer):
    """One file is a text; of a folder, or of several, each file is a document; - is standard input. Options stand anywhere."""
    status, out, _ = ask(*arguments, stdin=b"1234567")
    assert (status, json.loads(out)["answer"] if answer is None else out) == (0, "[4, 6]" if answer is None else f"{answer}\n")


def kept_names():
    """Those of the documents of the one context that is kept."""
    [kept] = ContextStore(Path(KEPT)).list()
    return ContextStore(Path(KEPT)).get(kept.id).names


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["folder"], ("a", "b", "deep/c")),
        (["./folder/"], ("a", "b", "deep/c")),
        (["six", "folder", "./four"], ("six", "folder/a", "folder/b", "folder/deep/c", "./four")),
        (["four", "-"], ("four", "-")),
        (["four"], (None,)),
    ],
)
def test_documents_are_named_by_their_files(ask, arguments, names):
    """Of a folder by their paths from there; several as they were given; one file is a text, without a name."""
    assert ask("q", *arguments, stdin=b"1")[0] == 0
    assert kept_names() == list(names)


def test_what_is_left_out_of_a_folder_is_said(ask):
    """On stderr, each name such that no terminal acts on it."""
    for name in (".git/config", "x\n\x1b[31m.png", "y"):
        (Path("folder") / name).parent.mkdir(exist_ok=True)
        (Path("folder") / name).write_bytes(b"\xff\0")
    Path("folder/bom").write_bytes(b"\xef\xbb\xbf1234")
    status, out, err = ask("q", "folder")
    assert (status, out) == (0, "[1, 2, 4, 3]\n")
    assert err.splitlines()[:2] == [
        "rlm: 3 left out: .git (hidden), x\\n\\x1b[31m.png (binary), y (binary)",
        "rlm: 1 byte order mark is no part of the text",
    ]


def test_packed_files_are_opened(ask):
    """Known by how they begin, also on standard input."""
    packed = gzip.compress(b"12345")
    Path("log").write_bytes(packed)
    with zipfile.ZipFile("archive", "w") as archive:
        archive.writestr("a/b", "12")
    assert ask("q", "log")[1] == "5\n"
    assert ask("q", "-", stdin=packed)[1] == "5\n"
    assert ask("q", "archive", "log")[1] == "[2, 5]\n"
    shutil.rmtree(KEPT)
    assert ask("q", "archive")[1] == "[2]\n"
    assert kept_names() == ["archive/a/b"]


def test_a_context_for_which_there_is_no_room_is_refused_by_the_setting(ask):
    """Before a model is asked; nothing stays."""
    Path("config.toml").write_text('[contexts]\ncontext_bytes = 5\n[[providers]]\nprovider_type = "ollama"\nmodel = "m"\n')
    for arguments in (["q", "six"], ["q", "six", "--dry-run"]):
        assert ask(*arguments, replies=()) == (
            2,
            "",
            "rlm: the context has more than 5 bytes (context_bytes, or max_bytes of its token)\n",
        )
    assert list(Path(KEPT).iterdir()) == []


def test_a_text_in_another_encoding_is_read_as_it_is_told(ask):
    """As text, not as bytes."""
    Path("german").write_bytes("Grüße".encode("cp1252"))
    assert ask("q", "german", "--encoding", "cp1252", replies=[python("FINAL(context)")])[:2] == (0, "Grüße\n")


def test_an_answer_can_be_a_value(ask, tmp_path):
    """Of a schema in a file; it is printed as JSON."""
    (tmp_path / "schema.json").write_text('{"type": "array", "items": {"type": "integer"}}')
    replies = (python("FINAL('four')"), python("FINAL([len(context)])"))
    assert ask("q", "four", "--answer-schema", "schema.json", replies=replies)[:2] == (0, "[4]\n")
    (tmp_path / "schema.json").write_text('{"pattern": "a"}')
    status, _, said = ask("q", "four", "--answer-schema", "schema.json")
    assert (status, said.splitlines()[-1].startswith("rlm: answer_schema: pattern: no pattern is run here")) == (2, True)


def test_a_direct_answer_is_what_the_model_says(ask):
    """Of the whole input."""
    assert ask("q", "four", "--direct", replies=("It is 1234.",))[:2] == (0, "It is 1234.\n")


def test_json_is_the_whole_result(ask):
    """As POST /query answers it, on one line."""
    status, out, _ = ask("q", "four", "--json")
    result = json.loads(out)
    assert (status, out.count("\n"), len(result.pop("run_id")), result.pop("duration_ms") >= 0) == (0, 1, 32, True)
    assert result == {
        "success": True,
        "answer": "4",
        "error": None,
        "stopped": "answered",
        "iterations": 1,
        "sub_calls": 0,
        "usage": used(fake=(1, 10, 5)),
        "baseline_tokens": 2,
        "token_savings_pct": -650.0,
        "bypassed": False,
    }


def test_a_run_without_an_answer_is_status_1(ask):
    """The partial answer is printed, and said to be one."""
    replies = [python("answer['content'] = 'so far'"), python("1")]
    status, out, err = ask("q", "four", "--set", "max_iterations=2", replies=replies)
    assert (status, out) == (1, "so far\n")
    assert err.splitlines()[-1] == (
        "rlm: max_iterations: max_iterations (2) was reached before an answer (the answer above is partial)"
    )


def test_a_limit_can_be_set(ask):
    """Those of a cell by their table."""
    endless = python("while True: pass")
    err = ask(
        "q", "four", "--set", "sandbox.seconds=0.2", "--set", "sandbox.fuel=1_000_000_000_000", replies=[endless, LENGTHS]
    )[2]
    assert "turn 1: It computed for more than 0.2 seconds: do less in one block." in err


def test_sub_calls_can_have_a_model_of_their_own(rlm, tmp_path):  # noqa: F811
    """The root's stays the configured one."""
    with model_server(python("FINAL(llm_query('which?'))")) as root, model_server(sub=lambda prompt: "the other") as sub:
        Path("config.toml").write_text(f'[[providers]]\nprovider_type = "litellm"\nmodel = "m"\nbase_url = "{root}"\n')
        os.environ |= {"OPENAI_BASE_URL": sub, "LITELLM_API_KEY": "k"}
        assert rlm("query", "q", "four", "--sub-model", "openai/small")[:2] == (0, "the other\n")


def config(url, **settings):
    """A config.toml with the models big, for the root, and small, whose replies are kept."""
    entry = f'[[providers]]\nprovider_type = "litellm"\nbase_url = "{url}"\ncache = true\n'
    top = "".join(f'{name} = "{value}"\n' for name, value in settings.items())
    Path("config.toml").write_text(f'{top}{entry}model = "big"\nrole = "root"\n{entry}model = "small"\nalias = "little"\n')
    os.environ["LITELLM_API_KEY"] = "k"


def test_the_root_can_have_another_of_the_configured_models(rlm):  # noqa: F811
    """By its alias; sub-calls stay where they were."""
    with model_server(python("FINAL(llm_query('p'))")) as url:
        config(url)
        status, out, _ = rlm("query", "q", "four", "--root-model", "little", "--json")
    assert (status, list(json.loads(out)["usage"]["models"])) == (0, ["small"])


@pytest.mark.parametrize(("option", "cached"), [([], True), (["--no-cache"], False)], ids=["as it is", "--no-cache"])
def test_a_run_can_do_without_the_cache(rlm, option, cached):  # noqa: F811
    """Its journal says so."""
    with model_server(python("FINAL(llm_query('p'))")) as url:
        config(url)
        assert rlm("query", "q", "four", "--journal", "j", *option)[0] == 0
    assert json.loads(Path("j").read_text().splitlines()[0])["cache"] == cached


def test_the_last_line_has_the_cost_if_it_is_known(rlm):  # noqa: F811
    """By the operator's own prices: 20 tokens read, 10 written."""
    Path("own.toml").write_text('[[prices]]\nmodels = ["big", "small"]\ninput = 1000\noutput = 2000.0\n')
    with model_server(python("FINAL(llm_query('p'))")) as url:
        config(url, prices="own.toml")
        err = rlm("query", "q", "four")[2]
    assert re.search(r"^rlm: turns: 1, sub-calls: 1, tokens: 20 read and 10 written, \$0\.0400, \S+ s$", err, re.MULTILINE)


def test_a_model_is_reached_as_the_configuration_says_for_its_type(rlm):  # noqa: F811
    """A key that its other providers need is not asked for."""
    with model_server(LENGTHS) as url:
        Path("config.toml").write_text(
            'max_iterations = 1\n[[providers]]\nprovider_type = "deepseek"\nmodel = "m"\n'
            f'[[providers]]\nprovider_type = "openai"\nmodel = "m"\nbase_url = "{url}"\n'
        )
        assert rlm("query", "q", "four", "--model", "openai/other")[:2] == (0, "4\n")


def test_the_protocol_is_what_the_model_is_taught(ask):
    """Here JSON commands."""
    taught = ask("q", "four", "--dry-run", "--protocol", "json")[1]
    assert "Reply with JSON commands: one object, or an array of them" in taught


def test_a_dry_run_shows_what_would_be_sent(ask):
    """The messages that a run sends first, their size, and the budget; nothing is sent or kept."""
    status, out, err = ask(
        "q", "folder", "--dry-run", "--set", "max_sub_calls=7", "--set", "max_total_tokens=90000", replies=()
    )
    sent, _, facts = out.partition("\n--- nothing was sent\n")
    system = re.fullmatch(r"--- system, (\d+) characters:\n(.*)\n\n--- user, (\d+) characters:\n(.*)\n", sent, re.DOTALL)
    assert (status, err) == (0, "")
    assert (int(system[1]), int(system[3])) == (len(system[2]), len(system[4]))
    assert system[2].startswith("You answer a question about an input that is too large for you to read.")
    assert system[4].startswith(
        "Question: q\n\n`context` is a list of 3 documents (str), 6 characters in all; `context.names` has"
    )
    size = len(system[2]) + len(system[4])
    assert facts == (
        "model: fake; for sub-calls: fake\n"
        f"size: {size} characters in the first call, some {-(-size // 4)} tokens\n"
        "input: 3 documents, 6 characters, which stay here: a model sees that beginning, what its code prints, or puts into a sub-call\n"
        "budget: at most 20 replies (and one for a best answer), 7 sub-calls, 3600 seconds, 90000 tokens\n"
        "each block of code: 30 seconds of computing, 1024 MiB of memory, 10000 characters of output seen\n"
    )
    assert not Path("data").exists()
    ask("q", "folder", "--set", "max_sub_calls=7", "--set", "max_total_tokens=90000", "--journal", "journal")
    called = json.loads(Path("journal").read_bytes().splitlines()[1])
    assert called["texts"] == [system[2], system[4]]


def test_verbose_shows_code_output_and_sub_calls(ask):
    """As they come, and the line of the log at the end."""
    code = python("print('a\\x1b[31mb', llm_query('what?'))\n1 / 0")
    err = ask("q", "four", "--verbose", replies=[code, LENGTHS])[2]
    steps = re.sub(r"\[ *[\d.]+ s\]|[\d.]+ s\b", "S", err)
    assert steps.splitlines()[:14] == [
        "S turn 1: asks the model",
        "S turn 1: the model replied in S (5 tokens)",
        "S turn 1: runs python: print('a\\x1b[31mb', llm_query('what?'))",
        "    print('a\\x1b[31mb', llm_query('what?'))",
        "    1 / 0",
        "sub-call 1:",
        "    what?",
        "S turn 1, sub-calls 1/1: sub-models replied",
        "sub-call 1 is answered:",
        "    WHAT?",
        "S turn 1, sub-calls 1/1: printed 14 characters, then an exception",
        "    a\\x1b[31mb WHAT?",
        "    Traceback (most recent call last):",
        '      File "<cell 1>", line 2, in <module>',
    ]
    assert json.loads(err.splitlines()[-3])["event"] == "run"


def test_without_verbose_there_is_no_log(ask):
    """It would break the live line."""
    assert '"event"' not in ask("q", "four")[2]


def test_a_run_is_kept_and_seen_again_by_its_id(ask, rlm, monkeypatch, tmp_path):  # noqa: F811
    """From any folder, by the beginning of the id; what it was about need not be named."""
    err = ask("q", "folder", "four")[2]
    run = re.search(r"rlm: run ([0-9a-f]{8}): `rlm export \1 --commands` shows it, `rlm replay \1` executes it again\n$", err)[
        1
    ]
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert rlm("replay", run)[:2] == (0, "identical\n")
    assert rlm("export", run, "--script")[1].startswith(f'"""Run {run}')
    assert rlm("export", run, "--commands")[1].startswith(f"# Run {run}")


def test_a_script_is_given_what_the_run_was_about(ask, rlm, tmp_path):  # noqa: F811
    """Files and folders, in their order."""
    run = re.search("run ([0-9a-f]{8}):", ask("q", "six", "folder", "four")[2])[1]
    Path("script.py").write_text(rlm("export", run, "--script")[1])
    command = [sys.executable, "-I", "script.py", "six", "folder", "four"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "ANSWER: [6, 1, 2, 3, 4]\n"


def test_input_that_has_changed_is_another_context(ask, rlm):  # noqa: F811
    """Status 1, with the ids of both; as long as what it was is kept, that is taken."""
    run = re.search("run ([0-9a-f]{8}):", ask("q", "four")[2])[1]
    Path("four").write_text("4321")
    assert rlm("replay", run)[:2] == (0, "identical\n")
    shutil.rmtree(KEPT)
    status, out, _ = rlm("replay", run)
    assert (status, re.sub("[0-9a-f]{64}", "ID", out)) == (1, "the context: the run's was ID, this one is ID\n")


def test_input_that_is_gone_is_named(ask, rlm):  # noqa: F811
    """By its whole name."""
    run = re.search("run ([0-9a-f]{8}):", ask("q", "four")[2])[1]
    Path("four").unlink()
    shutil.rmtree(KEPT)
    assert rlm("replay", run) == (2, "", f"rlm: {Path('four').absolute()}: there is no such file or folder\n")


def test_a_run_over_files_is_executed_again_from_any_folder(ask, rlm, tmp_path, monkeypatch):  # noqa: F811
    """They are read again from where they were, by the names that they had, which are part of the context."""
    run = re.search("run ([0-9a-f]{8}):", ask("q", "six", "folder/", "./four")[2])[1]
    shutil.rmtree(KEPT)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert rlm("replay", run)[:2] == (0, "identical\n")


def test_a_script_leaves_out_what_a_run_does(ask, rlm):  # noqa: F811
    """Of a folder what is hidden, binary or no UTF-8; byte order marks."""
    Path("folder/.hidden").write_text("x")
    Path("folder/binary").write_bytes(b"a\0")
    Path("folder/latin").write_bytes(b"\xff")
    Path("folder/bom").write_bytes(b"\xef\xbb\xbf1234")
    run = re.search("run ([0-9a-f]{8}):", ask("q", "folder")[2])[1]
    Path("script.py").write_text(rlm("export", run, "--script")[1])
    command = [sys.executable, "-I", "script.py", "folder"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "ANSWER: [1, 2, 4, 3]\n"


def test_standard_input_must_be_named_again(ask, rlm):  # noqa: F811
    """Once it is not kept any more, as it is in no file; the same bytes are the same context."""
    run = re.search("run ([0-9a-f]{8}):", ask("q", "-", stdin=b"1234")[2])[1]
    assert rlm("replay", run)[:2] == (0, "identical\n")
    shutil.rmtree(KEPT)
    assert rlm("replay", run) == (2, "", f"rlm: {run}: name what the run was about: --context FILE, or - for standard input\n")
    assert rlm("replay", run, "--context", "-", stdin=b"1234")[:2] == (0, "identical\n")
    assert rlm("replay", run, "--context", "four")[:2] == (0, "identical\n")


def test_a_journal_can_be_written_to_a_file(ask, rlm):  # noqa: F811
    """And is not kept elsewhere then."""
    err = ask("q", "four", "--journal", "journal")[2]
    assert ": `rlm export journal --commands` shows it, `rlm replay journal` executes it again\n" in err
    assert rlm("replay", "journal", "--context", "four")[:2] == (0, "identical\n")
    assert not Path("data/rlm/journals").exists()
    assert rlm("replay", "journal")[:2] == (0, "identical\n")  # its context is kept
    shutil.rmtree("data")
    assert rlm("replay", "journal")[2] == "rlm: journal: name what the run was about: --context FILE, or - for standard input\n"


def test_a_file_that_is_no_journal_is_not_overwritten(ask):
    """The input, for instance; a journal is."""
    assert ask("q", "four", "--journal", "four") == (
        2,
        "",
        "rlm: --journal: four: there is a file with this name already, which is no journal\n",
    )
    Path("journal").touch()
    assert [ask("q", "four", "--journal", "journal")[0] for _ in range(2)] == [0, 0]


def test_names_and_questions_that_are_no_text(ask, rlm):  # noqa: F811
    """A name need not be text; a question must be."""
    name = os.fsdecode(b"\xff")
    Path(name).write_text("1234")
    status, out, err = ask("q", name)
    assert (status, out) == (0, "4\n")
    shutil.rmtree(KEPT)
    assert rlm("replay", re.search("run ([0-9a-f]{8}):", err)[1])[2].endswith("or - for standard input\n")
    assert ask(name, "four")[2] == "rlm: query: a lone surrogate at code point 0 is not text\n"


def test_a_locale_that_lacks_characters_gets_them_escaped(ask, monkeypatch):
    """No answer is lost to it."""
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii", write_through=True)
    monkeypatch.setattr(sys, "stdout", out)
    assert ask("q", "four", replies=[python("FINAL('✓ é')")])[0] == 0
    assert out.buffer.getvalue() == b"\\u2713 \\xe9\n"


def test_a_reader_that_goes_away_is_no_error(ask, monkeypatch):
    """`rlm query ... | head`: status 141, as of any program in a pipe."""
    read, written = os.pipe()
    os.close(read)
    with os.fdopen(written, "w") as out:
        monkeypatch.setattr(sys, "stdout", out)
        status, _, err = ask("q", "four")
    assert (status, "Traceback" in err) == (141, False)


def test_an_answer_goes_to_a_file_as_it_is(ask):
    """Only a terminal is spared its control characters."""
    assert ask("q", "four", replies=[python("FINAL('a\\x1b[31mb\\r\\n\\u202e')")])[1] == "a\x1b[31mb\r\n\u202e\n"
