"""Attacks on the doors: pages of other sites, and callers without a token or with another's."""

import asyncio
import json
from collections import Counter

from besieging import asking, check, python

REPLY = python("FINAL('spent')")
EVIL = "http://evil.example"
GETS = (
    {"host": "evil.example"},  # by DNS rebinding it is this server
    {"host": "evil.example", "origin": EVIL},
    {"host": "localhost", "origin": EVIL},
    {"host": "localhost", "origin": "null"},
    {"host": "localhost", "sec-fetch-site": "cross-site"},
)
FORMS = ("text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded")


async def other_sites(siege, rounds):
    """Requests as browsers send them for pages of other sites: none lists a run, none makes one."""
    before = {each["run_id"] for each in await siege.runs() if "spent" in each["query"]}
    body = json.dumps(asking(REPLY))
    for _ in range(rounds):
        asked = [siege.client.get("/runs", headers=each) for each in GETS]
        for kind in FORMS:
            headers = {"host": "localhost", "content-type": kind, "origin": EVIL}
            asked.append(siege.client.post("/query", content=body, headers=headers))
            asked.append(siege.client.post("/query", content=body, headers=headers | {"host": "evil.example"}))
        asked.append(siege.client.post("/query", content=body, headers={"host": "localhost", "content-type": "text/plain"}))
        answers = await asyncio.gather(*asked)
        check(
            {each.status_code for each in answers} <= {403, 415}, f"statuses: {Counter(each.status_code for each in answers)}"
        )
        check(not any("access-control-allow-origin" in each.headers for each in answers), "a page may read an answer")
    after = {each["run_id"] for each in await siege.runs() if "spent" in each["query"]}
    check(after == before == set(), "a page made a run")


async def tokens(siege, rounds):
    """Nobody, and one with another's token, learns nothing and makes nothing."""
    made = (await siege.ask(REPLY)).json()["run_id"]
    places = ("/runs", f"/runs/{made}", f"/runs/{made}/journal", "/contexts", "/metrics", "/providers", "/schema", "/visualize")
    nobody = (
        {"authorization": ""},
        {"authorization": "Bearer wrong"},
        {"authorization": "Basic YTpi"},
        {"cookie": "rlm=x", "authorization": ""},
    )
    other = {"authorization": f"Bearer {OTHER}"}
    for _ in range(rounds):
        asked = [siege.client.get(place, headers=headers) for place in places for headers in nobody]
        asked += [siege.client.post("/query", json=asking(REPLY), headers=headers) for headers in nobody]
        statuses = Counter(each.status_code for each in await asyncio.gather(*asked))
        check(set(statuses) == {401}, f"without a token: {dict(statuses)}")
        asked = [siege.client.get(f"/runs/{made}{part}", headers=other) for part in ("", "/journal", "/metrics")]
        statuses = Counter(each.status_code for each in await asyncio.gather(*asked))
        check(set(statuses) == {404}, f"with another's token: {dict(statuses)}")
    check((await siege.client.get("/runs", headers=other)).json()["runs"] == [], "another's runs are listed")


OWN, OTHER = "own-0123456789-abcdefghij", "other-0123456789-abcdefghij"
TOKENS = [{"name": name, "token_env": f"SIEGE_{name.upper()}", "requests_per_minute": 100_000} for name in ("own", "other")]
SECRETS = {"SIEGE_OWN": OWN, "SIEGE_OTHER": OTHER}
