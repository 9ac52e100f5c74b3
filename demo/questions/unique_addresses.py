"""Different addresses and a ranking of errors in an access log."""

import random
from collections import Counter

from question import Question

TEXT = (
    "From how many different addresses do the requests in this access log come, and which five paths have the most errors of "
    "the server (5xx)? Answer with {addresses, errors: [[path, count], ...]}."
)
PATHS = ("/", "/cart", "/checkout", "/search", "/login", "/export", "/help", "/orders")


def make() -> Question:
    requests = access_log()
    errors = Counter(path for _, path, status in requests if status >= 500)
    truth = {
        "addresses": len({address for address, _, _ in requests}),
        "errors": [list(each) for each in errors.most_common(5)],
    }
    lines = [
        f"{address} - - [05/Nov/2026:{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02} +0000] "
        f'"GET {path} HTTP/1.1" {status} {number % 9000 + 100}'
        for number, (address, path, status) in enumerate(requests)
    ]
    return Question(__doc__, TEXT, {"context": "\n".join(lines), "protocol": "json"}, truth)


def access_log(count: int = 75_000) -> list[tuple[str, str, int]]:
    """(address, path, status) of some 6 MB of lines."""
    chance = random.Random(11)
    addresses = [f"{10 + chance.randrange(90)}.{chance.randrange(256)}.{chance.randrange(256)}.7" for _ in range(9000)]
    found = []
    for _ in range(count):
        place = chance.randrange(len(PATHS))
        status = chance.choices((200, 302, 404, 500, 503), (80, 5, 5, 1 + place, 1))[0]
        found.append((chance.choice(addresses), PATHS[place], status))
    return found
