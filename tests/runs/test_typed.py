"""Sub-calls with a schema, a system's message, a model and a limit of their own: values in a cell, one sub-call each."""

import asyncio
import json

import httpx
import msgspec
import pytest
from fakes import FakeModel, FakeProvider, live, python

from orchestrator.budget import Budget, RunLimits
from orchestrator.config import CacheSettings
from orchestrator.contexts.store import ContextStore
from orchestrator.errors import ProviderError, UnknownModel
from orchestrator.journal import events as ev
from orchestrator.journal.journal import Journal
from orchestrator.journal.results import result
from orchestrator.providers.cache import Cache
from orchestrator.providers.pool import Pool
from orchestrator.runs.live import Live
from orchestrator.runs.replay import replay
from orchestrator.runs.subcalls import SubCalls
from orchestrator.sandbox.messages import Manner, Prompt, SubReply

NUMBER = {"type": "integer"}
HELD = (
    'Reply with JSON alone that fits this JSON Schema:\n{"type": "object", "properties": {"value": {"type": "integer"}}, '
    '"required": ["value"], "additionalProperties": false}'
)
AGAIN = "That reply was not taken: {}. Reply again, with JSON alone that fits the JSON Schema."


def subcalls(*answers):
    """Sub-calls that a fake answers, the fake, and their journal."""
    journal = Journal("r")
    model = Conversing("m", *answers)
    limits = RunLimits(max_iterations=5, max_sub_calls=9, max_seconds=60.0, max_fuel=10**12)
    return SubCalls(live(model, journal), Budget(limits), journal), model, journal


class Conversing(FakeProvider):
    """Keeps what it was sent."""

    def __init__(self, *arguments, **settings):
        super().__init__(*arguments, **settings)
        self.sent = []

    async def complete(self, messages, received, schema=None, max_tokens=None):
        self.sent.append(([(each.role, each.content) for each in messages], schema, max_tokens))
        await super().complete(messages, received)


async def test_a_cell_is_given_a_value(run_query):
    """Of the type that it names; the server is told the schema, in the request and in the prompt."""
    model = FakeModel([python("FINAL(llm_query('How many?', 'a, b', schema=int) + 1)")], sub=lambda prompt: '{"value": 2}')
    journal = await run_query(model)
    assert result(journal.events).answer == "3"
    assert model.sub_prompts == [f"How many?\n\na, b\n\n{HELD}"]
    form = model.sub_bodies[0]["response_format"]["json_schema"]["schema"]
    assert form["properties"] == {"value": {"type": "integer"}}


async def test_a_dataclass_comes_back_as_one(run_query):
    """Also within a list, and as the answer."""
    cell = python(
        "from dataclasses import dataclass\n@dataclass\nclass Person:\n    name: str\n    age: int = 0\n"
        "people = llm_query('Who?', schema=list[Person])\nassert isinstance(people[0], Person)\nFINAL(people)"
    )
    journal = await run_query(FakeModel([cell], sub=lambda prompt: '{"value": [{"name": "Ann", "age": 3}, {"name": "Bo"}]}'))
    assert result(journal.events).answer == '[{"name": "Ann", "age": 3}, {"name": "Bo", "age": 0}]'


@pytest.mark.parametrize(
    "reply",
    [
        '{"value": 5}',
        "5",
        'I think:\n```json\n{"value": 5}\n```',
        '<think>{"value": 4}</think>{"value": 5}',
        'It is {"value": 5}.',
    ],
)
async def test_the_json_in_a_reply_is_found(reply):
    """Whatever stands around it, which is kept beside the reply."""
    calls, _, journal = subcalls(reply)
    assert await calls.ask([Prompt("a", Manner(schema=NUMBER))]) == (SubReply(text="5"),)
    reply_of = journal.events[-1].reply
    assert (reply_of.text, reply_of.reasoning in ("", reply)) == ("5", True)


async def test_a_reply_that_does_not_fit_is_asked_again():
    """With what is wrong with it; it is one sub-call, which has cost both replies."""
    calls, model, journal = subcalls("five", '{"value": 5}')
    assert await calls.ask([Prompt("a", Manner(schema=NUMBER))]) == (SubReply(text="5"),)
    wrong = "it is not valid JSON: Input data was truncated"
    asked = ("user", f"a\n\n{HELD}")
    assert [sent for sent, _, _ in model.sent] == [[asked], [asked, ("assistant", "five"), ("user", AGAIN.format(wrong))]]
    assert [type(each).__name__ for each in journal.events] == ["SubcallStarted", "SubcallFinished"]
    reply = journal.events[-1].reply
    assert (reply.attempts, reply.usage.prompt_tokens, reply.last_usage.prompt_tokens) == (2, 6, 3)
    assert [(each.error, each.times) for each in reply.failed] == [(f"the reply does not fit the schema: {wrong}", 1)]


async def test_after_three_replies_it_has_failed():
    """All of them are paid, and written down."""
    calls, _, journal = subcalls('{"value": "a"}', '{"value": 1.5}', "{}")
    error = "m: the reply does not fit the schema, asked 3 times: at $: 'value' is a required property"
    assert await calls.ask([Prompt("a", Manner(schema=NUMBER))]) == (SubReply(error=error),)
    assert (journal.events[-1].error, journal.events[-1].reply.usage.prompt_tokens) == (error, 9)


async def test_what_was_spent_is_kept_if_asking_again_fails():
    """The provider's error, with the cost of the reply before it."""
    calls, _, journal = subcalls("five", ProviderError("no"))
    assert await calls.ask([Prompt("a", Manner(schema=NUMBER))]) == (SubReply(error="no"),)
    assert journal.events[-1].reply.usage.prompt_tokens == 3


async def test_a_typed_run_is_replayed_without_its_models(run_query, engine):
    """Askings again included."""
    replies = iter(["none", '{"value": 5}'])
    journal = await run_query(FakeModel([python("FINAL(llm_query('a', schema=int))")], sub=lambda prompt: next(replies)))
    assert (result(journal.events).sub_calls, result(journal.events).usage.retried_tokens) == (1, 15)
    assert await replay(journal.events, ContextStore().add_text("the context"), engine) == 1


async def test_a_rolled_back_cell_gets_its_values_again(run_query):
    """By prompt and manner: the same prompt without the schema is another question."""
    model = FakeModel(
        [
            python("llm_query('a', schema=int)\nimport os\nos._exit(1)"),
            python("FINAL([llm_query('a', schema=int), llm_query('a')])"),
        ],
        sub=lambda prompt: '{"value": 5}' if prompt != "a" else "plain",
    )
    journal = await run_query(model)
    assert result(journal.events).answer == '[5, "plain"]'
    assert len(model.sub_prompts) == 2


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("llm_query('a', schema={'type': 'string', 'pattern': '(a+)+'})", "ValueError: schema: pattern: no pattern is run here; use enum, const, minLength and maxLength, or look at the value in code"),
        ("llm_query('a', model='other')", "ValueError: sub_model: there is no 'other' for this role; these are configured: openai/fake"),
        ("llm_query('a', max_tokens=0)", "ValueError: llm_query: max_tokens must be at least 1, not 0"),
        ("llm_query('a', model='x' * 101)", "ValueError: llm_query: a model's name has at most 100 characters"),
        ("llm_query('a', max_tokens='9')", "TypeError: max_tokens must be int, not str"),
        ("llm_query('a', schema=set[str])", "TypeError: schema: set[str] is no type that a reply can be held to; there are str, int, float, bool, list[...], dict[str, ...], Literal[...], Optional[...], a TypedDict, an Enum, a dataclass, or a JSON Schema (a dict)"),
        ("llm_query('a', schema=[str])", "TypeError: schema: [<class 'str'>] is no type that a reply can be held to; there are str, int, float, bool, list[...], dict[str, ...], Literal[...], Optional[...], a TypedDict, an Enum, a dataclass, or a JSON Schema (a dict)"),
    ],
)  # fmt: skip
async def test_what_cannot_be_asked_is_an_exception_in_the_cell(run_query, call, error):
    """Nothing is sent, nothing is counted."""
    model = FakeModel([python(call), python("FINAL(1)")])
    journal = await run_query(model)
    assert error in next(each for each in journal.events if isinstance(each, ev.CellFinished)).error.splitlines()
    assert (model.sub_prompts, result(journal.events).sub_calls) == ([], 0)


async def test_system_model_and_limit_go_with_each_prompt(run_query):
    """Of a batch; the limit is never more than what is configured."""
    cell = "llm_batch(['a', 'b'], text='t', system='You are terse.', model='fake', max_tokens=7)\nFINAL(llm_query('c', max_tokens=10**6))"
    model = FakeModel([python(cell)])
    await run_query(model)
    sent = [(each["messages"], each["max_tokens"]) for each in model.sub_bodies]
    system = {"role": "system", "content": "You are terse."}
    assert sent == [
        ([system, {"role": "user", "content": "a\n\nt"}], 7),
        ([system, {"role": "user", "content": "b\n\nt"}], 7),
        ([{"role": "user", "content": "c"}], 8192),
    ]


async def test_calls_of_all_manners_go_out_together(run_query):
    """As one batch, whoever waits for them: a map_reduce, a gather."""
    cell = (
        "import asyncio\n"
        "both = await asyncio.gather(llm_query('plain'), llm_query('n', schema=int))\n"
        "ask = lambda item: llm_query(item) if item == 'n' else llm_query(item, schema=str)\n"
        "FINAL([both, map_reduce(['n', 'w'], ask, list, parallel=True, schema=int)])"
    )
    sub = {"plain": "words", "n": '{"value": 5}', "w": '{"value": "word"}'}
    model = FakeModel([python(cell)], sub=lambda prompt: sub[prompt.split("\n")[0]])
    journal = await run_query(model)
    assert json.loads(result(journal.events).answer) == [["words", 5], [5, "word"]]
    assert [each.batch for each in journal.events if isinstance(each, ev.SubcallStarted)] == [1, 1, 2, 2]


async def test_commands_take_a_schema_and_a_model(run_query):
    """Their answers are values, which other commands use."""
    commands = [
        {"op": "llm_query", "prompt": "q", "schema": {"type": "object", "properties": {"n": NUMBER}}, "store": "one"},
        {"op": "set", "name": "items", "value": ["x", "y"]},
        {"op": "map", "on": "items", "prompt": "of ${part}", "schema": NUMBER, "model": "fake", "store": "all"},
        {"op": "reduce", "on": "items", "directive": "sum", "schema": NUMBER, "store": "sum"},
        {"op": "final", "answer": ["${one.n}", "${all}", "${sum}"]},
    ]
    sub = lambda prompt: '{"n": 1}' if prompt.startswith("q") else '{"value": 2}'  # noqa: E731
    journal = await run_query(FakeModel([json.dumps(commands)], sub=sub))
    assert result(journal.events).answer == "[1, [2, 2], 2]"


@pytest.mark.parametrize("other", [Manner(schema={"type": "string"}), Manner(system="s"), Manner(max_tokens=5), Manner()])
async def test_what_another_manner_brought_is_not_given(other):
    """The cache asks for the same prompt in the same manner."""
    first = Manner(schema=NUMBER)
    model = Conversing("m", '{"value": 5}', '{"value": "x"}', cache=True)
    pool = Pool([model], retry_seconds=0, cache=Cache(CacheSettings()))
    source = Live(pool, pool.choose(), Journal("r"), max_seconds=60)
    for manner in (first, first, other):
        await source.sub_reply(1, Prompt("a", manner), 0)
    assert len(model.sent) == 2


async def test_a_reply_of_the_cache_that_does_not_fit_costs_nothing():
    """Nor is it counted as a call."""
    model = Conversing("m", "five", '{"value": 5}', cache=True)
    pool = Pool([model], retry_seconds=0, cache=Cache(CacheSettings()))
    source = Live(pool, pool.choose(), Journal("r"), max_seconds=60)
    asked = Prompt("a", Manner(schema=NUMBER))
    replies = [await source.sub_reply(1, asked, 0) for _ in range(2)]
    assert [(each.attempts, each.usage.prompt_tokens, each.cached) for each in replies] == [(2, 6, False), (0, 0, True)]


async def test_own_models_know_no_others():
    """A run with its caller's key asks the server's models nothing."""
    configured, own = FakeProvider("configured"), FakeProvider("own")
    pool, theirs = Pool([configured], retry_seconds=0), Pool([own], retry_seconds=0).choose()
    source = Live(pool, msgspec.structs.replace(theirs, own=True), Journal("r"), max_seconds=60)
    await source.check(Manner(model="own"))
    with pytest.raises(UnknownModel) as error:
        await source.check(Manner(model="configured"))
    assert str(error.value) == "sub_model: there is no 'configured' for this role; these are configured: openai/own"


async def test_a_hostile_schema_does_not_hold_up_the_loop(run_query):
    """It is looked at in a thread."""
    cell = "for n in range(20):\n    try:\n        llm_query('a', schema={'anyOf': [{'enum': [n, m]} for m in range(290)] + [1]})\n    except ValueError:\n        pass\nFINAL(1)"
    longest, began = 0.0, asyncio.get_running_loop().time()
    running = asyncio.create_task(run_query(FakeModel([python(cell)])))
    while not running.done():
        await asyncio.sleep(0.01)
        longest, began = max(longest, asyncio.get_running_loop().time() - began), asyncio.get_running_loop().time()
    assert result((await running).events).answer == "1"
    assert longest < 2


async def test_a_schema_that_a_server_refuses_is_left_out_of_its_calls_alone(run_query):
    """Another one is sent: what one cell wrote does not end constrained replies for all."""
    refused = httpx.Response(
        400, json={"error": {"message": "Invalid schema: response_format is not supported", "param": "response_format"}}
    )
    model = FakeModel(
        [python("FINAL([llm_query('a', schema=int), llm_query('b', schema=int), llm_query('c', schema=float)])")],
        sub=lambda prompt: replies.pop(0),
    )
    replies = [refused, '{"value": 1}', '{"value": 2}', '{"value": 3}']
    journal = await run_query(model)
    assert result(journal.events).answer == "[1, 2, 3.0]"
    assert ["response_format" in each for each in model.sub_bodies] == [True, False, False, True]
