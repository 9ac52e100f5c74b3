"""Contexts over HTTP: sent once, in any of three forms, asked about by their id."""

import asyncio
import gzip
import json

import pytest
from fakes import FakeModel, python
from serving import serving

from orchestrator.config import ContextSettings
from orchestrator.contexts.store import ContextStore


class Answers(FakeModel):
    """A model that looks at the whole context."""

    def __init__(self, code="FINAL(context)"):
        super().__init__()
        self.code = code

    async def handle_async_request(self, request):
        self.replies = [python(self.code)]
        return await super().handle_async_request(request)


@pytest.fixture
async def client(engine, tmp_path):
    """A server whose model answers with the context; its contexts are in tmp_path."""
    async with serving(engine, Answers(), contexts=ContextSettings(folder=str(tmp_path))) as client:
        yield client


async def until(holds):
    """Waits for what another task does to a folder, which tells nobody; not for ever."""
    for _ in range(500):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError


async def answer(client, **request):
    return (await client.post("/query", json={"query": "q", **request})).json()["answer"]


async def test_a_text_is_sent_as_it_is(client):
    """201, its place, what it is; a run over it sees it."""
    text = "line\r\n\0é😀"
    response = await client.post("/contexts", content=text.encode(), headers={"content-type": "text/plain"})
    found = response.json()
    assert (response.status_code, response.headers["location"]) == (201, f"/contexts/{found['context_id']}")
    assert found == {
        "context_id": found["context_id"],
        "kind": "text",
        "length": 9,
        "bytes": 13,
        "count": 1,
        "documents": [],
        "byte_order_marks": 0,
    }
    assert await answer(client, context_id=found["context_id"]) == text


async def test_a_form_has_a_file_for_each_document(client):
    """With their names."""
    files = [("f", ("a/b.txt", b"x\xef\xbb\xbfy")), ("f", ("c.txt", b"\xef\xbb\xbfz")), ("f", ("empty", b""))]
    found = (await client.post("/contexts", files=files)).json()
    assert (found["kind"], found["count"], found["byte_order_marks"]) == ("documents", 3, 1)
    assert found["documents"] == [
        {"number": 0, "name": "a/b.txt", "length": 3},
        {"number": 1, "name": "c.txt", "length": 1},
        {"number": 2, "name": "empty", "length": 0},
    ]
    text = (await client.get(f"/contexts/{found['context_id']}/text", params={"document": 0})).json()
    assert text == {"document": 0, "start": 0, "length": 3, "text": "x\ufeffy"}


async def test_json_is_sent_as_to_query(client):
    """The same content has the same id, whichever way it came."""
    sent = {"documents": ["a", {"name": "n", "text": "b"}]}
    found = (await client.post("/contexts", json=sent)).json()
    assert [each["name"] for each in found["documents"]] == [None, "n"]
    run = (await client.post("/debug", json={"query": "q", **sent})).json()
    assert run["context_id"] == found["context_id"]


async def test_the_contexts_are_listed_read_and_deleted(client):
    """By id, by code points, by lines."""
    text = "first\nsecond é\nthird"
    found = (await client.post("/contexts", content=text.encode())).json()
    place = f"/contexts/{found['context_id']}"
    listed = (await client.get("/contexts")).json()["contexts"]
    assert [each["id"] for each in listed] == [found["context_id"]]
    assert (await client.get(place)).json() == found
    read = (await client.get(f"{place}/text", params={"start": 6, "length": 8})).json()
    assert read == {"document": 0, "start": 6, "length": 8, "text": "second é"}
    lines = (await client.get(f"{place}/lines", params={"first": 1, "count": 1})).json()
    assert lines == {"document": 0, "start": 6, "length": 9, "text": "second é\n"}
    last = (await client.get(f"{place}/lines", params={"first": 2, "count": 9})).json()
    assert (last["start"], last["text"]) == (15, "third")
    assert (await client.get(f"{place}/lines", params={"first": 3})).json()["text"] == ""
    assert (await client.delete(place)).status_code == 204
    assert (await client.get(place)).json()["detail"] == f"there is no context '{found['context_id']}': send it again"


@pytest.mark.parametrize(
    ("sending", "status", "detail"),
    [
        ({"content": "Grüße aus Köln".encode("cp1252")}, 400, "not valid UTF-8 at byte 2; it reads 'Grüße aus Köln' in cp1252, 'GrьЯe aus Kцln' in cp1251, 'Gr\ue3eae aus K鰈n' in gb18030: choose with ?encoding=NAME"),
        ({"content": "hello".encode("utf-16")}, 400, "not valid UTF-8 at byte 0; it reads 'hello' in utf-16: choose with ?encoding=NAME"),
        ({"content": "hello".encode("utf-16-le"), "params": {"encoding": "utf-16"}}, 400, "not valid utf-16 at byte 0: it has no byte order mark; there are utf-16-le and utf-16-be"),
        ({"content": b"ab\xff\0"}, 400, "not valid UTF-8 at byte 2, and looks like no text at all"),
        ({"content": bytes(range(128, 256))}, 400, "not valid UTF-8 at byte 0, nor in another known encoding"),
        ({"content": b"ab", "params": {"encoding": "nope"}}, 400, "encoding: there is no text encoding 'nope'; there are utf-16, cp1252, gb18030, ..."),
        ({"content": b"ab", "params": {"encoding": "hex"}}, 400, "encoding: there is no text encoding 'hex'; there are utf-16, cp1252, gb18030, ..."),
        ({"content": gzip.compress(b"ab"), "headers": {"content-encoding": "gzip"}}, 415, "content-encoding: 'gzip' is not read: send the body as it is"),
        ({"content": b""}, 422, "there is nothing to ask about: context: it is empty"),
        ({"content": b" \n"}, 422, "there is nothing to ask about: context: it is empty"),
        ({"json": {"documents": [" ", ""]}}, 422, "there is nothing to ask about: documents: there is none, or all are empty"),
        ({"files": [("f", ("a", b""))]}, 422, "there is nothing to ask about: documents: there is none, or all are empty"),
        ({"files": [("f", ("german", "Grüße aus Köln".encode("cp1252")))]}, 400, "german: not valid UTF-8 at byte 2; it reads 'Grüße aus Köln' in cp1252, 'GrьЯe aus Kцln' in cp1251, 'Gr\ue3eae aus K鰈n' in gb18030: choose with ?encoding=NAME"),
        ({"files": [("f", ("a.txt", b"x")), ("f", ("b.bin", b"\x00\xff"))]}, 400, "b.bin: not valid UTF-8 at byte 1, and looks like no text at all"),
        ({"content": b"--x", "headers": {"content-type": "multipart/form-data; boundary=y"}}, 400, "the form cannot be read: Unexpected end of multipart stream (parser closed)"),
        ({"content": b"", "headers": {"content-type": "multipart/form-data"}}, 400, "the form cannot be read: Empty boundary"),
        ({"json": {"context": "x", "documents": []}}, 400, "send exactly one of context, context_id, documents, messages and after"),
        ({"content": b"{", "headers": {"content-type": "application/json"}}, 400, "the body is not valid JSON: Input data was truncated"),
    ],
)  # fmt: skip
async def test_what_cannot_be_kept_says_why_and_leaves_nothing(client, tmp_path, sending, status, detail):
    """The whole message; no file stays."""
    response = await client.post("/contexts", **sending)
    assert (response.status_code, response.json()["detail"]) == (status, detail)
    assert list(tmp_path.iterdir()) == []


async def test_a_question_is_not_sent_with_a_context_alone(client):
    """What would be ignored is refused."""
    response = await client.post("/contexts", json={"context": "x", "query": "q"})
    assert (response.status_code, response.json()["detail"]) == (
        400,
        "send exactly one of context, documents and messages, and nothing else",
    )


async def test_text_of_another_encoding_is_decoded_if_it_is_named(client):
    """Kept as Unicode."""
    found = (await client.post("/contexts", content="Tromsø".encode("cp1252"), params={"encoding": "cp1252"})).json()
    assert await answer(client, context_id=found["context_id"]) == "Tromsø"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8", "utf-16", "utf-32"])
async def test_a_byte_order_mark_is_said(client, encoding):
    """Of each encoding that has one; it is no part of the text."""
    content = "\ufeffé".encode(encoding) if encoding == "utf-8" else "é".encode(encoding)
    found = (await client.post("/contexts", content=content, params={"encoding": encoding})).json()
    assert (found["byte_order_marks"], await answer(client, context_id=found["context_id"])) == (1, "é")


async def test_the_encodings_that_fit_are_those_of_what_follows_too(client):
    """The first piece that arrives may end at the wrong byte."""

    async def pieces():
        yield b"Gr\xfc"
        await asyncio.sleep(0.1)
        yield b"\xdfe aus K\xf6ln"

    detail = (await client.post("/contexts", content=pieces())).json()["detail"]
    assert detail.startswith("not valid UTF-8 at byte 2; it reads 'Grüße aus Köln' in cp1252, ")


@pytest.mark.parametrize("name", ["../../etc/passwd", "a\nb", "\x1b[31m", "\u202e", "x" * 3000, "'; drop table"])
async def test_a_name_is_only_data(client, tmp_path, name):
    """Whatever it is, the document has it, and no file does."""
    found = (await client.post("/contexts", files=[("f", (name, b"x"))])).json()
    assert [each["name"] for each in found["documents"]] == [name]
    assert [path.name for path in tmp_path.iterdir()] == [f"{found['context_id']}.context"]


async def test_an_unknown_context_is_told(client):
    """404, also for what is no id; a document that is not there is 400."""
    for request in (
        client.get("/contexts/nope"),
        client.delete("/contexts/nope"),
        client.post("/query", json={"query": "q", "context_id": "nope"}),
    ):
        response = await request
        assert (response.status_code, response.json()["detail"]) == (404, "there is no context 'nope'")
    found = (await client.post("/contexts", content=b"x")).json()
    response = await client.get(f"/contexts/{found['context_id']}/text", params={"document": 1})
    assert (response.status_code, response.json()["detail"]) == (400, "document: there are 1, counted from 0")


async def test_an_upload_that_breaks_off_leaves_nothing(client, tmp_path):
    """The client goes away in the middle."""
    reader, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
    writer.write(b"POST /contexts HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 100000\r\n\r\n" + b"x" * 5000)
    await writer.drain()
    await until(lambda: list(tmp_path.iterdir()))
    writer.close()
    await until(lambda: not list(tmp_path.iterdir()))
    await reader.read()


async def test_more_than_there_is_room_for_is_refused_while_it_arrives(engine, tmp_path):
    """507, and nothing stays."""
    kept = ContextSettings(folder=str(tmp_path), context_bytes=1000)
    async with serving(engine, Answers(), contexts=kept) as client:
        response = await client.post("/contexts", content=b"x" * 2000)
    assert (response.status_code, response.json()["detail"]) == (
        507,
        "the context has more than 1000 bytes (context_bytes, or max_bytes of its token)",
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "context",
    ["some text é " * 200_000, ["x", {"y": 1.50}] * 100_000, {"k\u2028": "v" * 2_000_000}],
)
async def test_a_large_body_is_read_in_a_process_of_its_own(engine, tmp_path, context):
    """And comes to the same: a JSON value keeps its own digits."""
    async with serving(engine, Answers("FINAL(len(context))"), contexts=ContextSettings(folder=str(tmp_path))) as client:
        assert await answer(client, context=context) == str(len(context))
        [kept] = (await client.get("/contexts")).json()["contexts"]
        if not isinstance(context, str):
            assert json.loads(ContextStore(tmp_path).get(kept["id"]).read(0, 0, 10**8)) == context


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b'{"query": "q", "context": "' + b"a" * 1_500_000 + b'\\ud800"}', "context: a lone surrogate at code point 1500000 is not text"),
        (b'{"query": "q", "documents": ["' + b"a" * 1_500_000 + b'", 1]}', 'documents[1]: a document is a text, or {"name": ..., "text": ...}'),
        (b'{"query": "q", "context": "' + b"a" * 1_500_000, "the body is not valid JSON: Input data was truncated"),
        (b'{"query": "q", "context": "' + b"a" * 1_500_000 + b'\xff"}', "the body is not valid UTF-8 at byte 1500027"),
    ],
)  # fmt: skip
async def test_a_large_body_that_is_wrong_says_where(client, tmp_path, body, detail):
    """As a small one does."""
    response = await client.post("/query", content=body, headers={"content-type": "application/json"})
    assert (response.status_code, response.json()["detail"]) == (400, detail)
    assert list(tmp_path.iterdir()) == []


async def test_a_body_that_would_take_all_memory_is_refused(client, tmp_path):
    """Ten million documents; the process that reads them ends, the server does not."""
    body = b'{"query": "q", "documents": [' + b",".join([b'""'] * 30_000_000) + b"]}"
    response = await client.post("/query", content=body, headers={"content-type": "application/json"})
    assert (response.status_code, response.json()["detail"]) == (
        400,
        "the body takes too much memory to read; send fewer documents, or each as a file of a form to POST /contexts",
    )
    assert list(tmp_path.iterdir()) == []
