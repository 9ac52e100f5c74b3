"""Tokens in one meaning, whichever server counted them."""

import msgspec
import pytest
from fakes import HI

from orchestrator.providers.counts import openai_usage
from orchestrator.providers.messages import Received, Usage


@pytest.mark.parametrize(
    ("said", "usage"),
    [
        # OpenAI: cached ones are of the prompt, reasoning of the completion.
        ('{"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15, "prompt_tokens_details": {"cached_tokens": 4}, "completion_tokens_details": {"reasoning_tokens": 3}}', Usage(10, 5, cached_tokens=4, reasoning_tokens=3)),
        # DeepSeek
        ('{"prompt_tokens": 10, "completion_tokens": 5, "prompt_cache_hit_tokens": 6, "prompt_cache_miss_tokens": 4}', Usage(10, 5, cached_tokens=6)),
        # xAI: reasoning is beside the completion, and in the total.
        ('{"prompt_tokens": 32, "completion_tokens": 9, "total_tokens": 135, "completion_tokens_details": {"reasoning_tokens": 94}}', Usage(32, 103, reasoning_tokens=94)),
        # Gemini: it is in the total alone.
        ('{"prompt_tokens": 21, "completion_tokens": 0, "total_tokens": 81}', Usage(21, 60, reasoning_tokens=60)),
        ('{"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 0, "prompt_tokens_details": null, "completion_tokens_details": null}', Usage(10, 5)),
        # More in the cache than in the prompt cannot be.
        ('{"prompt_tokens": 1, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 9}, "completion_tokens_details": {"reasoning_tokens": 9}}', Usage(1, 1, cached_tokens=1, reasoning_tokens=1)),
    ],
)  # fmt: skip
def test_each_server_is_understood(said, usage):
    """As it sends them."""
    assert openai_usage(msgspec.Raw(said.encode())) == usage


@pytest.mark.parametrize(
    "said",
    [
        "null",
        "{}",
        "5",
        "[]",
        '{"prompt_tokens": 10}',
        '{"prompt_tokens": -1, "completion_tokens": 5}',
        '{"prompt_tokens": 1e400, "completion_tokens": 5}',
        '{"prompt_tokens": 1180591620717411303424, "completion_tokens": 5}',
        '{"prompt_tokens": "10", "completion_tokens": 5}',
        '{"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": []}',
        '{"prompt_tokens": 10, "completion_tokens": 5, "more": ' + "[" * 100_000 + "]" * 100_000 + "}",
    ],
    ids=range(11),
)
def test_what_cannot_be_believed_counts_as_nothing(said):
    """It is estimated then."""
    assert openai_usage(msgspec.Raw(said.encode())) is None


@pytest.mark.parametrize("counted", [None, Usage(), Usage(0, -5)])
def test_a_text_never_costs_zero_tokens(counted):
    """A server that counts none would be asked without end."""
    received = Received()
    received.add("text")
    received.usage = counted
    assert received.usage_for(HI) == Usage(1, 1, estimated=True)
    assert Received().usage_for(HI) == Usage()
