"""Asking from the page: what it is about, which models, how much; then the run is watched."""

import csv
import importlib
import io
import json
import sys
from collections import Counter

import pytest
from fakes import FakeModel, python
from processes import ROOT
from serving import serving_app

from orchestrator import config
from orchestrator.opening import Orchestrator

LONGER = 60
ANSWERED = "document.querySelector('.standing .answered')?.innerText"  # of a run's page


async def test_a_question_about_a_text(serve, page):
    """Asked by button; its run is shown until it is answered."""
    async with serve(FakeModel([python("FINAL(context.count('whale'))")])) as client:
        await page.open(f"{client.base_url}/visualize")
        await page.write(".ask textarea[required]", "How many whales?")
        await page.write(".context textarea", "a whale, a white whale")
        await page.click(".ask button.primary")
        await page.until(ANSWERED)
        assert (await page.texts("h1"), await page.texts("pre.answer-text")) == (["How many whales?"], ["2"])


async def test_files_are_sent_as_they_are(serve, page, tmp_path):
    """One is a text, one of JSON a value, several are documents with their names."""
    (tmp_path / "one.txt").write_bytes("Ålesund\r\n".encode())
    (tmp_path / "two.json").write_text('{"cities": ["Oslo"]}')
    show = python(
        "FINAL(repr(context[:]) if isinstance(context, str) else repr(context) if isinstance(context, dict) else repr(list(context)))"
    )
    cases = [
        (["one.txt"], "'Ålesund\\r\\n'"),
        (["two.json"], "{'cities': ['Oslo']}"),
        (["one.txt", "two.json"], "['Ålesund\\r\\n', '{\"cities\": [\"Oslo\"]}']"),
    ]
    async with serve(FakeModel([show] * 3)) as client:
        for names, answer in cases:
            await page.open(f"{client.base_url}/visualize")
            await page.write(".ask textarea[required]", "What is it?")
            await page.click(".tabs label:nth-of-type(2)")
            await page.choose_files("input[type=file]", *(tmp_path / name for name in names))
            await page.shows("two.json" if "two.json" in names else "one.txt")
            await page.click(".ask button.primary")
            await page.until(ANSWERED)
            assert await page.texts("pre.answer-text") == [answer]


async def test_a_dropped_file_is_taken(serve, page):
    """Wherever on the form it is dropped: what it is about is then that file."""
    drop = """(form => {
        const data = new DataTransfer();
        data.items.add(new File(["a whale"], "whale.txt"));
        form.dispatchEvent(new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true}));
    })(document.querySelector(".context"))"""
    async with serve(FakeModel([python("FINAL(context)")])) as client:
        await page.open(f"{client.base_url}/visualize")
        await page.write(".ask textarea[required]", "What is it?")
        await page.run(drop)
        await page.shows("whale.txt, 7 bytes")
        await page.click(".ask button.primary")
        await page.until(ANSWERED)
        assert await page.texts("pre.answer-text") == ["a whale"]


async def test_a_context_that_is_held_is_asked_about_again(serve, page):
    """It is known by how it begins, and not sent again."""
    async with serve(FakeModel([python("FINAL(len(context))")])) as client:
        await client.post("/contexts", content="Call me Ishmael.", headers={"content-type": "text/plain"})
        await page.open(f"{client.base_url}/visualize")
        await page.write(".ask textarea[required]", "How long is it?")
        await page.click(".tabs label:nth-of-type(3)")
        await page.shows("Call me Ishmael.")
        await page.click(".held label")
        await page.click(".ask button.primary")
        await page.until(ANSWERED)
        assert await page.texts("pre.answer-text") == ["16"]
        assert len((await client.get("/contexts")).json()["contexts"]) == 1


async def test_models_and_limits_are_chosen(serve, page):
    """What is chosen is what the run has."""
    async with serve(FakeModel([python("FINAL(1)")])) as client:
        await page.open(f"{client.base_url}/visualize")
        await page.write(".ask textarea[required]", "Which?")
        await page.write(".context textarea", "c")
        await page.click(".ask details summary")
        await page.until("document.querySelectorAll('.ask select option').length === 4")
        await page.run("(each => { each.selectedIndex = 1; })(document.querySelector('.ask select'))")
        await page.write(".ask .fields div:nth-child(3) input", "3")
        await page.write(".ask .fields div:nth-child(4) input", "0")
        await page.click(".ask button.primary")
        await page.until(ANSWERED)
        await page.shows("1 turn of 3 · 0 sub-calls of 0")
        [run] = (await client.get("/runs")).json()["runs"]
        [line] = [
            line for line in (await client.get(f"/runs/{run['run_id']}/journal")).text.split("\n") if "run_started" in line
        ]
        [name] = [each["name"] for each in (await client.get("/providers")).json()["providers"]]
        assert json.loads(line)["root_model"] == name


@pytest.mark.parametrize(
    ("question", "text", "turns", "said"),
    [
        ("", "c", "", "Question: Please fill out this field."),
        ("Which?", "", "", "About: there is no text."),
        ("Which?", "c", "0", "Turns, at most: Value must be greater than or equal to 1."),
        ("Which?", "c", "99999", "max_iterations: 99999 is above this server's 20"),
    ],
)
async def test_what_is_missing_or_wrong_is_said(serve, page, question, text, turns, said):
    """Below the form, in the server's words if it is the server that refuses; nothing is begun."""
    async with serve(FakeModel()) as client:
        await page.open(f"{client.base_url}/visualize")
        await page.click(".ask details summary")
        for field, value in (
            (".ask textarea[required]", question),
            (".context textarea", text),
            (".fields div:nth-child(3) input", turns),
        ):
            if value:
                await page.write(field, value)
        await page.click(".ask button.primary")
        await page.shows(said)
        assert (await client.get("/runs")).json()["runs"] == []
    page.said.clear()  # the browser tells of answers that are refusals


async def test_a_question_whose_answer_was_lost_is_asked_once(serve, page):
    """The network fails after the server has begun the run: sent again with the same key, it is the same run."""
    lose = """(send => {
        let lost = 0;
        window.fetch = async (path, options) => {
            const answer = await send(path, options);
            if (path === "/runs" && options?.method === "POST" && lost++ === 0) throw new TypeError("lost");
            return answer;
        };
    })(window.fetch)"""
    async with serve(FakeModel([python("FINAL(1)")] * 2)) as client:
        await page.open(f"{client.base_url}/visualize")
        await page.write(".ask textarea[required]", "Which?")
        await page.write(".context textarea", "c")
        await page.run(lose)
        await page.click(".ask button.primary")
        await page.until(ANSWERED)
        assert len((await client.get("/runs")).json()["runs"]) == 1


def payment_errors(text):
    return sum("ERROR service=payment" in line for line in text.split("\n"))


def commonest_cause(documents):
    causes = [text.split("It turned out to be ")[1].split(".")[0] for text in documents]
    return list(Counter(causes).most_common(1)[0])


def verdicts(reviews):
    counts = {}
    for each in reviews:
        bad = any(word in each["review"] for word in ("broken", "stopped", "not what"))
        product = counts.setdefault(each["product"], {"positive": 0, "negative": 0})
        product["negative" if bad else "positive"] += 1
    return dict(sorted(counts.items()))


def sold_by_city(text):
    sold = Counter()
    for row in csv.DictReader(io.StringIO(text)):
        sold[row["city"]] += int(row["amount"])
    return [{"city": city, "sold": amount} for city, amount in sold.most_common()]


def slowest(text):
    from questions.slowest_endpoint import slowest_endpoint  # noqa: PLC0415  (demo/ is no package)

    return slowest_endpoint(text.split("\n"))


EXAMPLES = {
    "log_errors": payment_errors,
    "incident_causes": commonest_cause,
    "review_verdicts": verdicts,
    "slowest_endpoint": slowest,
    "sales_by_city": sold_by_city,
}


@pytest.mark.parametrize("name", EXAMPLES)
async def test_an_example_is_answered_by_the_script_of_the_demo(engine, page, tmp_path, monkeypatch, name):
    """One press; its question is one of demo/, its answer what the data says that the page has made."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "path", [*sys.path, str(ROOT / "demo")])
    place = list(EXAMPLES).index(name)
    settings = config.load(ROOT / "config.toml")
    async with serving_app(Orchestrator(settings, print, engine=engine)) as client:
        await page.open(f"{client.base_url}/visualize")
        await page.click(".examples-box summary")
        question = (await page.texts("button.example"))[place].split("\n")[0]
        await page.click(f".examples li:nth-child({place + 1}) button")
        await page.until(ANSWERED, LONGER)
        [run] = (await client.get("/runs")).json()["runs"]
        detail = (await client.get(f"/runs/{run['run_id']}")).json()
        context = await whole_context(client, detail["context_id"])
        await page.open("about:blank")
    assert question == importlib.import_module(f"questions.{name}").TEXT
    assert json.loads(detail["answer"]) == EXAMPLES[name](context)


async def whole_context(client, context_id):
    """Its text, its documents, or its JSON value."""
    info = (await client.get(f"/contexts/{context_id}")).json()
    documents = []
    for number in range(info["count"]):
        text = ""
        while piece := (
            await client.get(f"/contexts/{context_id}/text", params={"document": number, "start": len(text), "length": 1 << 20})
        ).json()["text"]:
            text += piece
        documents.append(text)
    if info["kind"] == "documents":
        return documents
    return json.loads(documents[0]) if info["kind"] == "json" else documents[0]
