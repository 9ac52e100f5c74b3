"""Contexts over HTTP, as an attacker sent them: what was found stays found."""

import asyncio
import gc
import json

import pytest
from fakes import FakeModel, python
from serving import serving

from orchestrator.config import ContextSettings
from orchestrator.contexts import json_process
from orchestrator.contexts.writer import ContextWriter


@pytest.fixture
async def client(engine, tmp_path):
    """A server whose contexts are in tmp_path."""
    async with serving(engine, FakeModel(), contexts=ContextSettings(folder=str(tmp_path))) as client:
        yield client


async def sent(client, **options):
    response = await client.post("/contexts", **options)
    return response.status_code, response.json()


@pytest.mark.parametrize(
    ("place", "detail"),
    [
        ("/text?document=1&start=-6&length=12", "start: Expected `int` >= 0"),
        ("/text?document=-1", "document: Expected `int` >= 0"),
        ("/text?length=-1", "length: Expected `int` >= 0"),
        ("/text?length=1048577", "length: Expected `int` <= 1048576"),
        (f"/text?start={10**30}", "start: Expected `int` <= 4611686018427387903"),
        ("/lines?first=-1", "first: Expected `int` >= 0"),
        ("/lines?count=-5", "count: Expected `int` >= 0"),
        ("?from_document=-1", "from_document: Expected `int` >= 0"),
    ],
)
async def test_a_range_outside_of_a_document_is_refused(client, place, detail):
    """It would be text of another document, or all of a large one."""
    _, made = await sent(client, json={"documents": ["first secret", "second", "h\u00e9"]})
    response = await client.get(f"/contexts/{made['context_id']}{place}")
    assert (response.status_code, response.json()["detail"]) == (400, detail)


@pytest.mark.parametrize("path", ["/contexts", "/query"])
async def test_what_is_large_beside_the_context_is_refused(client, path):
    """It is never made into objects."""
    body = b'{"context": "x", "query": "q", "junk": [' + b"[]," * 400_000 + b"1]}"
    response = await client.post(path, content=body, headers={"content-type": "application/json"})
    assert (response.status_code, response.json()["detail"]) == (
        400,
        "the body has 1200006 bytes beside the context, at most 1048576 are read: the input belongs into context, documents or messages",
    )


@pytest.mark.parametrize("kind", ["Application/JSON", "application/vnd.api+json", "application/json; charset=utf-8"])
async def test_json_is_json_however_its_type_is_written(client, kind):
    """Types are the same in any letters (RFC 9110, 8.3.1)."""
    status, made = await sent(client, content=b'{"context": "hello"}', headers={"content-type": kind})
    assert (status, made["kind"], made["length"]) == (201, "text", 5)


async def test_a_form_is_a_form_however_its_type_is_written(client):
    """And no text."""
    body = b'--X\r\ncontent-disposition: form-data; name="f"; filename="a"\r\n\r\nhi\r\n--X--\r\n'
    status, made = await sent(client, content=body, headers={"content-type": "Multipart/Form-Data; boundary=X"})
    assert (status, made["kind"], made["documents"]) == (201, "documents", [{"number": 0, "name": "a", "length": 2}])


@pytest.mark.parametrize(
    ("headers", "detail"),
    [
        ([("content-type", "multipart/mixed; boundary=X")], "content-type: 'multipart/mixed' is not read: send a form (multipart/form-data), JSON or a text"),
        ([("content-encoding", "identity"), ("content-encoding", "gzip")], "content-encoding: 'gzip' is not read: send the body as it is"),
    ],
)  # fmt: skip
async def test_what_is_not_read_is_not_taken_for_a_text(client, tmp_path, headers, detail):
    """415, and nothing stays."""
    status, problem = await sent(client, content=b"--X\r\n", headers=headers)
    assert (status, problem["detail"], list(tmp_path.iterdir())) == (415, detail, [])


async def test_the_charset_of_a_text_is_its_encoding(client):
    """Unless ?encoding= says another."""
    latin = {"content-type": "text/plain; charset=ISO-8859-1"}
    status, made = await sent(client, content="caf\u00e9".encode("latin-1"), headers=latin)
    assert (status, made["length"], made["bytes"]) == (201, 4, 5)
    response = await client.post("/contexts?encoding=utf-8", content="caf\u00e9".encode(), headers=latin)
    assert response.json()["context_id"] == made["context_id"]


@pytest.mark.parametrize(
    ("header", "status", "detail"),
    [
        ("content-type: text/plain; charset=cp1252", 400, "a.txt: its charset is cp1252, the form is read as utf-8: choose with ?encoding=NAME"),
        ("content-transfer-encoding: base64", 415, "a.txt: content-transfer-encoding: 'base64' is not read: send the part as it is"),
    ],
)  # fmt: skip
async def test_a_part_is_never_altered_nor_taken_for_another(client, header, status, detail):
    """What it says of itself is honoured, or refused."""
    body = f'--X\r\ncontent-disposition: form-data; name="f"; filename="a.txt"\r\n{header}\r\n\r\nhi\r\n--X--\r\n'
    found = await sent(client, content=body.encode(), headers={"content-type": "multipart/form-data; boundary=X"})
    assert (found[0], found[1]["detail"]) == (status, detail)


@pytest.mark.parametrize("body", [{"context_id": 5}, {"context_id": "0" * 64}, None, ["a"], {}])
async def test_json_without_a_context_is_refused(client, body):
    """Whatever it is instead."""
    status, problem = await sent(client, content=json.dumps(body).encode(), headers={"content-type": "application/json"})
    assert status == 400
    assert problem["detail"] in {
        "send exactly one of context, documents and messages, and nothing else",
        "Expected `object`, got `null`",
        "Expected `object`, got `array`",
    }


async def test_an_encoding_that_takes_the_square_of_a_text_is_refused(client):
    """UTF-7: its decoder holds what is not finished."""
    response = await client.post("/contexts?encoding=utf-7", content=b"x")
    assert response.json()["detail"] == "encoding: there is no text encoding 'utf-7'; there are utf-16, cp1252, gb18030, ..."


async def test_a_context_is_not_in_use_when_its_run_has_ended(engine, tmp_path):
    """At once, not when the collector of cycles comes by."""
    gc.collect()
    gc.disable()
    try:
        model = FakeModel([python("x = len(context)\n1 / 0"), python("import os\nos._exit(1)"), python("FINAL(x)")])
        async with serving(engine, model, contexts=ContextSettings(folder=str(tmp_path))) as client:
            assert (await client.post("/query", json={"query": "q", "context": "words"})).json()["answer"] == "5"
            for _ in range(100):
                [held] = (await client.get("/contexts")).json()["contexts"]
                if not held["in_use"]:
                    break
                await asyncio.sleep(0.01)
            assert not held["in_use"]
    finally:
        gc.enable()


async def test_a_process_that_is_killed_leaves_nothing(tmp_path, monkeypatch):
    """The folder that it wrote into goes with it."""
    started = asyncio.Event()
    begin = asyncio.create_subprocess_exec

    async def hanging(*command, **options):
        process = await begin("/bin/sh", "-c", 'echo part > "$0/arriving-part"; exec sleep 60', command[2], **options)
        started.set()
        return process

    monkeypatch.setattr(json_process.asyncio, "create_subprocess_exec", hanging)

    async def reading():
        with json_process.arriving_folder(tmp_path) as folder, (tmp_path / "body").open("wb") as body:
            await json_process.take_in_process(body.fileno(), folder, 1000)

    task = asyncio.create_task(reading())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [path.name for path in tmp_path.iterdir()] == ["body"]


def test_what_cannot_be_closed_leaves_nothing_all_the_same(tmp_path, monkeypatch):
    """On a full disk the last bytes of a buffer cannot be written."""

    def full(*_):
        raise OSError(28, "No space left on device")

    writer = ContextWriter(tmp_path, "documents")
    writer.write_text("x")
    writer.end_document("a")
    monkeypatch.setattr(writer._table._ends, "close", full)
    writer.discard()
    assert list(tmp_path.iterdir()) == []
