"""GET /runs/{run_id}/events and POST /stream: what readers see of a run, as it comes, and after they come back."""

import asyncio
import json

import httpx
import pytest
from fakes import FakeModel, delta, python
from serving import serving

from orchestrator.api.event_stream import as_events
from orchestrator.runs import following

REPLIES = [python("x = llm_query('alfa')"), python("y = llm_batch(['b', 'c'])"), python("FINAL([x, *y])")]
KINDS = [
    "run_started",
    *("model_called", "model_replied", "cell_started", "subcall_started", "subcall_finished", "host_call", "cell_finished"),
    *("model_called", "model_replied", "cell_started", *["subcall_started"] * 2, *["subcall_finished"] * 2, "host_call"),
    *("cell_finished", "model_called", "model_replied", "cell_started", "cell_finished", "answer", "run_finished"),
]


def parse(block):
    """(id or None, event, data) of one event."""
    fields = dict(line.split(": ", 1) for line in block.splitlines())
    return (int(fields["id"]) if "id" in fields else None, fields["event"], json.loads(fields["data"]))


async def read(client, path, **asking):
    """The events of a stream, to its end."""
    async with client.stream("GET", path, **asking) as response:
        response.raise_for_status()
        text = "".join([each async for each in response.aiter_text()])
    return [parse(each) for each in text.split("\n\n") if each and not each.startswith(":")]


async def begin(client, **query):
    response = await client.post("/runs", json={"query": "q", "context": "c"} | query)
    assert response.status_code == 202, response.text
    return response.json()["run_id"]


class Slow(FakeModel):
    """Its replies come in pieces, each when it is allowed."""

    def __init__(self, *pieces):
        super().__init__()
        self.pieces = pieces
        self.allowed = asyncio.Semaphore(0)

    async def handle_async_request(self, request):
        async def stream():
            for each in self.pieces:
                await self.allowed.acquire()
                yield f"data: {json.dumps(delta(content=each))}\n\n".encode()
            yield f"data: {json.dumps(delta('stop'))}\n\ndata: [DONE]\n\n".encode()

        if request.method == "GET":
            return httpx.Response(404)
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, content=stream())


async def test_a_run_is_followed_from_its_beginning_to_its_end(engine):
    """Each event once, with its number, as the journal has it."""
    async with serving(engine, FakeModel(REPLIES, delay=0.05)) as client:
        run_id = await begin(client)
        found = [each for each in await read(client, f"/runs/{run_id}/events") if each[0] is not None]
        journal = (await client.get(f"/runs/{run_id}/journal")).text.splitlines()
    assert [(number, kind) for number, kind, _ in found] == list(enumerate(KINDS))
    assert [data["event"] for _, _, data in found] == KINDS
    assert len(journal) >= len(found)


@pytest.mark.parametrize("how", ["header", "parameter"])
async def test_a_reader_that_comes_back_gets_what_it_has_not(engine, how):
    """At every number, without loss or repetition."""
    async with serving(engine, FakeModel(list(REPLIES))) as client:
        run_id = await begin(client)
        path = f"/runs/{run_id}/events"
        whole = [each for each in await read(client, path) if each[0] is not None]
        for last in range(len(whole)):
            asking = {"headers": {"Last-Event-ID": str(last)}} if how == "header" else {"params": {"after": last}}
            assert await read(client, path, **asking) == whole[last + 1 :]


async def test_a_reader_that_has_all_is_told_not_to_come_back(engine):
    """204, as browsers expect it; but not while the run goes on."""
    model = FakeModel(delay=3600)
    async with serving(engine, FakeModel(list(REPLIES))) as client:
        run_id = await begin(client)
        last = str((await read(client, f"/runs/{run_id}/events"))[-1][0])
        ended = await client.get(f"/runs/{run_id}/events", headers={"last-event-id": last})
        one_less = await read(client, f"/runs/{run_id}/events", headers={"last-event-id": str(int(last) - 1)})
    async with serving(engine, model) as client:
        run_id = await begin(client)
        async with client.stream("GET", f"/runs/{run_id}/events", headers={"last-event-id": "9"}) as response:
            going = response.status_code
        await client.post(f"/runs/{run_id}/cancel")
    assert (ended.status_code, ended.content, len(one_less), going) == (204, b"", 1, 200)


async def test_head_does_not_wait_for_the_end(engine):
    """It has the headers alone."""
    async with serving(engine, FakeModel(delay=3600)) as client:
        run_id = await begin(client)
        async with asyncio.timeout(5):
            head = await client.head(f"/runs/{run_id}/events")
        await client.post(f"/runs/{run_id}/cancel")
    assert (head.status_code, head.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")


async def test_json_lines_are_for_who_asks_for_them(engine):
    """The events alone."""
    async with serving(engine, FakeModel(list(REPLIES))) as client:
        run_id = await begin(client)
        await read(client, f"/runs/{run_id}/events")
        response = await client.get(f"/runs/{run_id}/events", headers={"accept": "application/jsonl"})
    assert response.headers["content-type"] == "application/jsonl"
    assert [json.loads(line)["event"] for line in response.text.splitlines()] == KINDS


async def test_a_reply_is_seen_while_it_comes(engine):
    """By who was there, in pieces; by who comes later, all so far; the event itself is the whole."""
    model = Slow("```python\n", "FINAL(", "1)\n```")
    async with serving(engine, model) as client:
        run_id = await begin(client)
        lines = client.stream("GET", f"/runs/{run_id}/events")
        async with lines as response:
            blocks = response.aiter_text()
            seen = ""
            for piece in model.pieces[:2]:
                model.allowed.release()
                while json.dumps(piece) not in seen:
                    seen += await anext(blocks)
            async with client.stream("GET", f"/runs/{run_id}/events") as late:
                first = ""
                async for each in late.aiter_text():
                    first += each
                    if "model_delta" in first:
                        break
            model.allowed.release()
            rest = "".join([each async for each in blocks])
    deltas = [parse(each) for each in seen.split("\n\n") if "event: model_delta" in each]
    assert [(data["turn"], data["offset"], data["text"]) for _, _, data in deltas] == [
        (1, 0, "```python\n"),
        (1, 10, "FINAL("),
    ]
    [joined] = [parse(each) for each in first.split("\n\n") if "event: model_delta" in each]
    assert joined == (
        None,
        "model_delta",
        {"turn": 1, "offset": 0, "text": "```python\nFINAL(", "reasoning_offset": 0, "reasoning": ""},
    )
    assert "event: run_finished" in rest


async def test_a_reader_that_comes_later_is_not_told_of_an_earlier_reply(engine):
    """Though nobody was there when that one was whole."""
    model = Slow("```python\n", "x = 1\n```")
    async with serving(engine, model) as client:
        run_id = await begin(client)
        model.allowed.release()
        async with client.stream("GET", f"/runs/{run_id}/events") as response:
            async for each in response.aiter_text():
                if "model_delta" in each:
                    break
        model.allowed.release()
        while len(events := (await client.get(f"/runs/{run_id}/journal")).text.splitlines()) < 6:  # noqa: ASYNC110  (another task)
            await asyncio.sleep(0.02)
        assert json.loads(events[-1])["event"] == "model_called"
        async with client.stream("GET", f"/runs/{run_id}/events", params={"after": len(events) - 1}) as response:
            model.allowed.release()
            async for each in response.aiter_text():
                if "model_delta" in each:
                    break
        await client.post(f"/runs/{run_id}/cancel")
    assert parse(each.strip())[2]["turn"] == 2


async def test_many_readers_cost_one_encoding(engine, monkeypatch):
    """A hundred of one run see the same."""
    encoded = []
    make = following.Told
    monkeypatch.setattr(following, "Told", lambda *fields: encoded.append(fields) or make(*fields))
    async with serving(engine, FakeModel(list(REPLIES), delay=0.2)) as client:
        run_id = await begin(client)
        client._transport._pool._max_connections = 200
        found = await asyncio.gather(*(read(client, f"/runs/{run_id}/events") for _ in range(100)))
    whole = [[each for each in one if each[0] is not None] for one in found]
    assert all(each == whole[0] for each in whole)
    assert len(encoded) < 3 * len(KINDS)


async def test_a_reader_that_does_not_read_holds_nobody_up(engine):
    """The run goes on, and others follow it."""
    big = python("print('x' * 9000)")
    async with serving(engine, FakeModel([big] * 15 + [python("FINAL(1)")])) as client:
        run_id = await begin(client)
        async with client.stream("GET", f"/runs/{run_id}/events") as idle:
            assert idle.status_code == 200
            found = await read(client, f"/runs/{run_id}/events")
    assert found[-1][1] == "run_finished"


async def test_an_event_is_one_line_for_every_client(engine):
    """Also for those that end lines at U+2028 and the like; while the run goes on, and after it."""
    said = "\x85\u2028\u2029"
    async with serving(engine, FakeModel([python(f"FINAL({said!r})") + said], delay=0.1)) as client:
        run_id = await begin(client)
        for _ in range(2):
            async with client.stream("GET", f"/runs/{run_id}/events") as response:
                lines = [each async for each in response.aiter_lines()]
            events = [json.loads(each[6:]) for each in lines if each.startswith("data: ")]
            assert [each["text"] for each in events if each.get("event") == "answer"] == [said]


async def test_a_large_event_is_sent_in_pieces():
    """Small ones together; the bytes are the same."""
    events = [following.Told(number, "answer", b'"%s"' % (b"x" * size)) for number, size in enumerate((3, 3, 200_000, 3))]

    async def told():
        yield events

    pieces = [each async for each in as_events(told())]
    assert [len(each) // 1000 for each in pieces] == [0, 65, 65, 65, 3]
    blocks = b"".join(pieces).split(b"\n\n")[1:-1]
    assert blocks == [b"id: %d\nevent: answer\ndata: %s" % (each.number, each.content) for each in events]


async def test_one_query_streams_its_events_and_then_the_result(engine):
    """POST /stream; the last event is what POST /query answers."""
    asking = {"query": "q", "context": "c"}
    async with (
        serving(engine, FakeModel(list(REPLIES))) as client,
        client.stream("POST", "/stream", json=asking) as response,
    ):
        text = "".join([each async for each in response.aiter_text()])
    found = [parse(each) for each in text.split("\n\n") if each and not each.startswith(":")]
    numbered = [kind for number, kind, _ in found if number is not None]
    assert (response.headers["content-type"], numbered) == ("text/event-stream; charset=utf-8", KINDS)
    assert (found[-1][0], found[-1][1], found[-1][2]["answer"]) == (None, "result", '["ALFA", "B", "C"]')


async def test_a_caller_of_stream_that_goes_away_ends_its_run(engine):
    """As that of /query does."""
    model = Slow("never")
    async with serving(engine, model) as client:
        async with client.stream("POST", "/stream", json={"query": "q", "context": "c"}) as response:
            async for each in response.aiter_text():
                if "model_called" in each:
                    break
        async with asyncio.timeout(5):
            while (await client.get("/runs")).json()["runs"][0]["status"] != "cancelled":  # noqa: ASYNC110  (another task)
                await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("asking", "status", "message"),
    [
        ({"headers": {"Last-Event-ID": "x"}}, 400, "Last-Event-ID: it is no number of an event"),
        ({"params": {"after": "-2"}}, 400, None),
    ],
    ids=["no number", "too small"],
)
async def test_a_place_that_is_none_is_refused(engine, asking, status, message):
    """Before the stream begins."""
    async with serving(engine, FakeModel(list(REPLIES))) as client:
        run_id = await begin(client)
        response = await client.get(f"/runs/{run_id}/events", **asking)
        assert response.status_code == status
        assert message in (None, response.json()["detail"])
        assert (await client.get("/runs/nobodys/events")).status_code == 404
