"""What detached runs ask of a model server that counts, and what must be true of it in the end."""

import asyncio
import json
import random
import re
from collections import Counter

import backends
import sqlalchemy

SUB_CALLS = 5
TURNS = 3
CHILDREN = 2
PARENTS = 4  # each fourth run has child runs
CHILD = 1000  # a child's number, in this many of its parent's
CODE = """```python
{keep}
{children}
answers = llm_batch([f"run {number} turn {turn} item {{n}}" for n in range({sub_calls})])
total = total + sum(int(each) for each in answers)
print(total)
{final}
```"""


def question(number):
    return f"What is the total of run {number}?"


def answer(messages):
    """A root call gets the code of its turn; a sub-call a number that its prompt alone decides."""
    if messages[0]["role"] != "system":
        number, turn, item = map(int, re.fullmatch(r"run (\d+) turn (\d+) item (\d+)", messages[0]["content"]).groups())
        return str(number * 100 + turn * 10 + item)
    number = int(re.search(r"total of run (\d+)", messages[1]["content"])[1])
    turn = len(messages) // 2
    keep = "total = 0" if turn == 1 else ""
    asked = [question(each) for each in _children(number)] if turn == 2 else []
    children = f"total += sum(int(each) for each in rlm_batch({asked}))" if asked else ""
    final = "FINAL(total)" if turn == TURNS else ""
    return CODE.format(keep=keep, children=children, number=number, turn=turn, sub_calls=SUB_CALLS, final=final)


def _children(number):
    """The numbers of its child runs."""
    return [number * CHILD + each for each in range(CHILDREN)] if number % PARENTS == 0 and number < CHILD else []


def truth(number):
    """What an undisturbed run answers."""
    own = sum(number * 100 + turn * 10 + item for turn in range(1, TURNS + 1) for item in range(SUB_CALLS))
    return str(own + sum(int(truth(each)) for each in _children(number)))


class Counting(backends.ModelBackend):
    """Counts each call, by what it is in its run."""

    def __init__(self, seed):
        super().__init__(self._note)
        self.calls = Counter()
        chance = random.Random(seed)

        async def whole_in_a_moment(writer, text):
            await asyncio.sleep(chance.uniform(0.01, 0.15))
            return await backends.whole(writer, text)

        self.behaviours = iter(lambda: whole_in_a_moment, None)

    def _note(self, messages):
        self.calls[_name(messages)] += 1
        return answer(messages)


def _name(messages):
    if messages[0]["role"] != "system":
        return messages[0]["content"]
    return f"run {re.search(r'total of run ([0-9]+)', messages[1]['content'])[1]} turn {len(messages) // 2} root"


def stored(url):
    """The calls whose replies are in the store, by the same names."""
    found, numbers, asked = set(), {}, {}
    engine = sqlalchemy.create_engine(url)
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("select run_id, content from events order by run_id, position").all()
    engine.dispose()
    for run_id, content in rows:
        event = json.loads(content)
        match event["event"]:
            case "run_started":
                numbers[run_id] = re.search(r"total of run (\d+)", event["query"])[1]
            case "model_replied":
                found.add(f"run {numbers[run_id]} turn {event['turn']} root")
            case "subcall_started":
                asked[run_id, event["subcall"]] = event["prompt"]
            case "subcall_finished" if event["error"] is None:
                found.add(asked[run_id, event["subcall"]])
    return found
