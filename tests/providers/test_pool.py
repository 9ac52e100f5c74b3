"""Who is asked, and how much they can read: over providers that are functions."""

import asyncio

import pytest
from fakes import FakeProvider, complete

from orchestrator.errors import ConfigError, UnknownModel
from orchestrator.providers import pool as pool_module
from orchestrator.providers.pool import Pool


async def test_a_role_goes_to_its_provider():
    """root, sub and both."""
    pool = Pool([FakeProvider("r", "from root", role="root"), FakeProvider("s", "from sub", role="sub")])
    assert (await complete(pool, "sub")).text == "from sub"
    assert (await complete(pool, "root")).provider == "r"


async def test_a_request_chooses_a_model_by_its_name():
    """TYPE/MODEL, the model's name alone, or its alias."""
    pool = Pool([FakeProvider("a"), FakeProvider("b", alias="small"), FakeProvider("c", role="sub")])
    for name in ("openai/b", "b", "small"):
        assert [each.name for each in pool.choose(sub_model=name).sub] == ["b"]
    assert [each.name for each in pool.choose().root] == ["a", "b"]


async def test_a_model_that_is_not_configured_for_the_role_is_refused():
    """The message lists those that are."""
    pool = Pool([FakeProvider("a"), FakeProvider("b", alias="small"), FakeProvider("c", role="sub")])
    with pytest.raises(UnknownModel) as error:
        pool.choose(root_model="c")
    assert str(error.value) == "root_model: there is no 'c' for this role; these are configured: openai/a, small"


async def test_the_least_busy_provider_is_chosen():
    """Two calls at once go to two providers."""
    pool = Pool([FakeProvider("a", "1", delay=0.01), FakeProvider("b", "2", delay=0.01)])
    replies = await asyncio.gather(complete(pool, "sub"), complete(pool, "sub"))
    assert sorted(reply.provider for reply in replies) == ["a", "b"]


async def test_calls_are_shared_by_weight():
    """Three to one."""
    heavy, light = FakeProvider("a", *"x" * 8, delay=0.01, weight=3), FakeProvider("b", *"x" * 8, delay=0.01)
    pool = Pool([heavy, light])
    await asyncio.gather(*(complete(pool, "sub") for _ in range(8)))
    assert (heavy.most, light.most) == (6, 2)


async def test_no_provider_gets_more_calls_than_its_limit():
    """max_concurrency holds; the others wait."""
    fake = FakeProvider("a", *"123456", delay=0.01, max_concurrency=2)
    pool = Pool([fake])
    await asyncio.gather(*(complete(pool, "sub") for _ in range(6)))
    assert fake.most == 2


async def test_two_models_of_one_server_share_its_slots():
    """max_concurrency is the server's."""
    models = [FakeProvider(name, *"123456", delay=0.01, base_url="http://one/v1", max_concurrency=2) for name in "ab"]
    pool = Pool(models)
    assert len(pool.backends) == 2
    await asyncio.gather(*(complete(pool, "sub") for _ in range(6)))
    assert models[0].most + models[1].most == 2


def test_two_models_of_one_server_that_disagree_are_a_configuration_error():
    """The message says what to do."""
    models = [FakeProvider(str(limit), base_url="http://one/v1", max_concurrency=limit) for limit in (2, 3)]
    with pytest.raises(ConfigError) as error:
        Pool(models)
    assert str(error.value) == (
        "providers: two of http://one/v1 have another max_concurrency (2 and 3): it is that of the server, give both the same"
    )


async def test_what_a_sub_model_can_read_is_that_of_the_smallest():
    """About three characters a token, beside room for the reply; None if nobody says."""
    pool = Pool([FakeProvider("a", context_window=8192), FakeProvider("b", context_window=4096)])
    assert pool.choose().sub_prompt_chars is None
    await pool.find_windows()
    assert pool.choose().sub_prompt_chars == 6144
    assert pool.choose(sub_model="a").sub_prompt_chars == 18432


async def test_a_provider_that_does_not_answer_does_not_stop_the_start(monkeypatch):
    """What it can read is not known."""

    class Hanging(FakeProvider):
        async def find_window(self):
            await asyncio.sleep(60)

    monkeypatch.setattr(pool_module, "WINDOW_SECONDS", 0.01)
    pool = Pool([Hanging("a"), FakeProvider("b", context_window=4096)])
    await pool.find_windows()
    assert pool.choose().sub_prompt_chars == 6144
