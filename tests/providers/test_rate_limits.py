"""When a server that limits calls may be asked again."""

import email.utils
import time

import pytest

from orchestrator.providers.rate_limits import seconds_to_wait


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.25"}, 0.25),
        ({"retry-after-ms": "1500", "retry-after": "2"}, 1.5),
        ({"llm_provider-retry-after": "9"}, 9.0),
        ({"llm_provider-retry-after-ms": "2000", "llm_provider-retry-after": "9"}, 2.0),
        ({"retry-after": "7", "llm_provider-retry-after-ms": "2000"}, 7.0),
        ({"retry-after": "1e308"}, 86_400.0),
        ({"retry-after": "-inf"}, None),
        ({"retry-after": "1e9"}, 86_400.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "Wed, 21 Oct 99999999 07:28:00 GMT"}, None),
    ],
)
def test_the_end_of_a_rate_limit_is_read(headers, seconds):
    """In each form that servers use; nothing else is believed."""
    assert seconds_to_wait(headers) == seconds


def test_a_date_is_counted_from_now():
    """RFC 9110: an HTTP date."""
    date = email.utils.formatdate(time.time() + 90, usegmt=True)
    assert 85 < seconds_to_wait({"retry-after": date}) < 91
