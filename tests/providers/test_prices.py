"""What models cost: the shipped prices, the operator's own, and what is not known."""

import datetime
import math

import msgspec
import pytest
from fakes import FakeProvider, complete

from orchestrator import shipped
from orchestrator.config import OllamaSettings, OpenAISettings, ProviderSettings, ScriptedSettings
from orchestrator.errors import ConfigError, ProviderError
from orchestrator.providers.messages import MOST_TOKENS, Message, Received, Usage, add_costs
from orchestrator.providers.pool import Pool
from orchestrator.providers.prices import Prices, cost

OPENAI = "https://api.openai.com/v1"
ROW = '[[prices]]\nmodels = ["m"]\ninput = 1\noutput = 2\n'


@pytest.fixture
def prices(tmp_path):
    """prices(text): with the operator's own file, or the message of the error without its name."""
    path = tmp_path / "prices.toml"

    def prices(text):
        path.write_text(text)
        try:
            return Prices(path)
        except ConfigError as error:
            return str(error).replace(str(path), "FILE")

    return prices


def served(model, base_url=OPENAI):
    return OpenAISettings(model=model, base_url=base_url)


def test_a_call_costs_what_its_tokens_cost():
    """Those of the provider's cache have a price of their own."""
    price = Prices().find(served("gpt-4.1"))
    assert price.cost(Usage(1_000_000, 100_000)) == 2.8
    assert price.cost(Usage(1_000_000, 100_000, cached_tokens=400_000)) == 1.2 + 0.2 + 0.8


def test_without_a_price_of_their_own_cached_tokens_cost_what_others_do(prices):
    """Too much rather than too little."""
    assert prices(ROW).find(served("m")).cost(Usage(1_000_000, 0, cached_tokens=1_000_000)) == 1.0


@pytest.mark.parametrize(
    "settings",
    [
        served("gpt-4.1", "http://127.0.0.1:8000/v1"),
        served("gpt-4.1", "https://api.openai.com.example/v1"),
        served("gpt-4.1", "https://api.openai.com@example/v1"),
        served("gpt-4.1-mini-2099-01-01"),
        served("gpt-4.1-pro"),
        served("GPT-4.1"),
        OllamaSettings(model="gpt-4.1"),
        OllamaSettings(model="qwen3:32b"),
        ScriptedSettings(model="s.toml"),
        ProviderSettings(model="gpt-4.1"),
    ],
    ids=lambda each: f"{each.model} {getattr(each, 'base_url', '')}",
)
def test_what_no_file_names_is_not_known(settings):
    """Only the very model at the very host has a price; one of this machine has none either: not known is not nothing."""
    assert Prices().find(settings) is None


def test_the_operators_own_rows_win(prices):
    """Wherever the model is, or at one host alone."""
    own = prices(
        '[[prices]]\nmodels = ["gpt-4.1", "qwen3:32b"]\ninput = 0\noutput = 0\n'
        '[[prices]]\nmodels = ["gpt-4.1"]\nhost = "Gateway.example"\ninput = 7\noutput = 8\n'
    )
    assert own.find(OllamaSettings(model="qwen3:32b")).cost(Usage(10, 10)) == 0.0
    assert own.find(served("gpt-4.1")).input == 0
    assert own.find(served("gpt-4.1", "https://gateway.example:8443/v1")).input == 7
    assert own.find(served("gpt-4.1-mini")).input == 0.4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (ROW.replace("1", "-1"), "prices: FILE: Expected `float` >= 0.0 - at `$.prices[0].input`"),
        (ROW.replace("1", "nan"), "prices: FILE: Expected `float` >= 0.0 - at `$.prices[0].input`"),
        (ROW.replace("1", "inf"), "prices: FILE: Expected `float` <= 1000000.0 - at `$.prices[0].input`"),
        (ROW + "cached = 1\n", "prices: FILE: Object contains unknown field `cached` - at `$.prices[0]`"),
        ("[[price]]\n", "prices: FILE: Object contains unknown field `price`"),
        (ROW.replace('["m"]', "[]"), "prices: FILE: Expected `array` of length >= 1 - at `$.prices[0].models`"),
        (ROW + ROW, "prices: FILE: m has two prices at any host"),
        ("=", "prices: FILE: Invalid statement (at line 1, column 1)"),
    ],
)
def test_a_mistake_in_the_operators_file_is_named(prices, text, message):
    """Before anything is asked."""
    assert prices(text) == message


def test_a_file_that_is_not_there_is_named(tmp_path):
    """With its path."""
    with pytest.raises(ConfigError) as error:
        Prices(tmp_path / "nowhere")
    assert str(error.value) == f"prices: {tmp_path}/nowhere: cannot be read: No such file or directory"


def test_every_shipped_price_says_where_and_when_it_was_so():
    """At the vendor's own host; the cache is not dearer than the rest, and no output is cheaper than the input."""
    rows = msgspec.toml.decode(shipped.PRICES.read_bytes())["prices"]
    assert len(rows) >= 15
    for row in rows:
        assert row["host"].count(".") >= 2
        assert row["source"].startswith("https://")
        assert isinstance(row["date"], datetime.date)
        assert 0 < row.get("cached_input", row["input"]) <= row["input"] <= row["output"]


def test_what_used_nothing_costs_nothing():
    """Whatever the price, known or not."""
    assert cost(None, Usage()) == 0.0
    assert cost(None, Usage(1, 0)) is None


def test_many_small_costs_add_up_to_the_last_digit():
    """Floats that are added one by one do not."""
    assert (sum([0.1] * 1_000_000), add_costs([0.1] * 1_000_000)) == (100000.00000133288, 100000.0)
    assert (add_costs([]), add_costs([0.1, None])) == (0.0, None)


def test_counts_that_cannot_be_are_bounded():
    """Negative or huge ones would make a cost of anything, and a journal that cannot be written."""
    received = Received()
    received.usage = Usage(-5, 10**30, cached_tokens=10**30, reasoning_tokens=-1)
    found = received.usage_for((Message("user", "hi"),))
    assert found == Usage(0, MOST_TOKENS, cached_tokens=0, reasoning_tokens=0)
    assert Prices().find(served("gpt-4.1")).cost(found) == 800.0
    assert math.isfinite(Prices().find(served("gpt-4.1")).cost(Usage(MOST_TOKENS, MOST_TOKENS)))


async def test_each_attempt_costs_its_own_providers_price(prices):
    """An empty reply of the dear one is paid, too; the reply says how much of it was the last attempt's."""
    dear = '[[prices]]\nmodels = ["dear"]\ninput = 1000\noutput = 1000\n'
    cheap = '[[prices]]\nmodels = ["cheap"]\ninput = 1\noutput = 1\n'
    providers = [FakeProvider("dear", ""), FakeProvider("cheap", "yes")]
    reply = await complete(Pool(providers, prices=prices(dear + cheap)), "root")
    assert (reply.text, reply.cost, reply.last_cost) == ("yes", 0.004004, 0.000004)
    assert [(each.provider, each.cost) for each in reply.failed] == [("dear", 0.004)]


async def test_an_attempt_at_an_unknown_price_makes_the_cost_unknown(prices):
    """But not that of the last attempt, nor an attempt that brought nothing."""
    cheap = prices('[[prices]]\nmodels = ["cheap"]\ninput = 1\noutput = 1\n')
    reply = await complete(Pool([FakeProvider("a", ""), FakeProvider("cheap", "yes")], prices=cheap), "root")
    assert (reply.cost, reply.last_cost) == (None, 0.000004)
    dead = FakeProvider("a", ProviderError("down", remedy="later"))
    reply = await complete(Pool([dead, FakeProvider("cheap", "yes")], prices=cheap), "root")
    assert (reply.cost, reply.last_cost) == (0.000004, 0.000004)


async def test_what_a_server_charged_wins_over_the_price(prices):
    """Of that attempt alone."""

    class Charging(FakeProvider):
        async def complete(self, messages, received, schema=None, max_tokens=None):
            await super().complete(messages, received, schema)
            received.cost = 0.5 if received.text == "" else None

    known = prices('[[prices]]\nmodels = ["m"]\ninput = 1\noutput = 1\n')
    reply = await complete(Pool([Charging("m", "", "yes")], prices=known), "root")
    assert (reply.cost, reply.last_cost, [each.cost for each in reply.failed]) == (0.500004, 0.000004, [0.5])
