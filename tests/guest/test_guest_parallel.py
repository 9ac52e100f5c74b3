"""Parallel sub-calls as models write them: what it writes, what it sees, which batches the sub-model gets."""

import pytest

from orchestrator.config import SandboxSettings
from orchestrator.errors import BudgetExceeded
from orchestrator.sandbox.messages import SubReply

TOGETHER = (
    "({} llm_query calls in threads or coroutines went out one after another; llm_batch(prompts), "
    "map_reduce(..., parallel=True) or `await llm_query(prompt)` sends them together)\n"
)
FOR_EVER = "RuntimeError: this would wait for ever: a cell has one thread"
ABC = [["a", "b", "c"]]


ASK = "import asyncio\nasync def ask(p):\n    return await llm_query(p)\n"
POOL = "from concurrent.futures import ThreadPoolExecutor, ProcessPoolExecutor, as_completed, wait\n"

# what the model writes, what it sees, the batches
ASYNC = [
    ("await llm_query('a')", "'A'\n", [["a"]]),
    ("await llm_batch(['a', 'b'])", "['A', 'B']\n", [["a", "b"]]),
    ("[await llm_query(p) for p in 'ab']", "['A', 'B']\n", [["a"], ["b"]]),
    (ASK + "await asyncio.gather(*[ask(p) for p in 'abc'])", "['A', 'B', 'C']\n", ABC),
    (ASK + "async def main():\n    return await asyncio.gather(*[ask(p) for p in 'abc'])\nasyncio.run(main())", "['A', 'B', 'C']\n", ABC),
    ("import asyncio\nawait asyncio.gather(*[llm_query(p) for p in 'abc'])", "['A', 'B', 'C']\n", ABC),
    ("import asyncio\nawait asyncio.gather(*map(llm_query, 'abc'))", "['A', 'B', 'C']\n", ABC),
    ("import asyncio\ntasks = [llm_query(p) for p in 'abc']\nawait asyncio.gather(*tasks)", "['A', 'B', 'C']\n", ABC),
    ("import asyncio\ntasks = []\nfor p in 'abc':\n    tasks.append(llm_query(p))\nawait asyncio.gather(*tasks)", "['A', 'B', 'C']\n", ABC),
    ("import asyncio\ntasks = [asyncio.create_task(llm_query(p)) for p in 'abc']\n[await t for t in tasks]", "['A', 'B', 'C']\n", ABC),
    ("from asyncio import gather\nx, y = await gather(llm_query('a'), llm_batch(['b', 'c']))\nx, y", "('A', ['B', 'C'])\n", ABC),
    ("import asyncio\nasyncio.run(asyncio.gather(llm_query('a'), llm_query('b')))", "['A', 'B']\n", [["a", "b"]]),
    ("import asyncio\nasyncio.run(llm_query('a'))", "'A'\n", [["a"]]),
    ("import asyncio\nasyncio.get_event_loop().run_until_complete(llm_query('a'))", "'A'\n", [["a"]]),
    (
        ASK + "async with asyncio.TaskGroup() as group:\n    tasks = [group.create_task(ask(p)) for p in 'abc']\n[t.result() for t in tasks]",
        "['A', 'B', 'C']\n",
        ABC,
    ),
    (ASK + "done, _ = await asyncio.wait([asyncio.create_task(ask(p)) for p in 'abc'])\nsorted(t.result() for t in done)", "['A', 'B', 'C']\n", ABC),
    (ASK + "sorted([await each for each in asyncio.as_completed([asyncio.create_task(ask(p)) for p in 'abc'])])", "['A', 'B', 'C']\n", ABC),
    (ASK + "await asyncio.wait_for(ask('a'), timeout=0.001)", "'A'\n", [["a"]]),
    (
        ASK + "sem = asyncio.Semaphore(2)\nasync def few(p):\n    async with sem:\n        return await ask(p)\nawait asyncio.gather(*map(few, 'abc'))",
        "['A', 'B', 'C']\n",
        [["a", "b"], ["c"]],
    ),
    (
        ASK + "async def worker():\n    while True:\n        found.append(await ask(await q.get()))\n        q.task_done()\n"
        "q, found = asyncio.Queue(), []\nworkers = [asyncio.create_task(worker()) for _ in range(2)]\n"
        "for p in 'abc': q.put_nowait(p)\nawait q.join()\nfor w in workers: w.cancel()\nawait asyncio.sleep(0)\nfound",
        "['A', 'B', 'C']\n",
        [["a", "b"], ["c"]],
    ),
    (ASK + "async def late(p):\n    await asyncio.sleep(60)\n    return await ask(p)\nawait asyncio.gather(late('a'), late('b'))", "['A', 'B']\n", [["a", "b"]]),
    (ASK + "async def twice(p):\n    return await ask(await ask(p) + 'x')\nawait asyncio.gather(twice('a'), twice('b'))", "['AX', 'BX']\n", [["a", "b"], ["Ax", "Bx"]]),
    ("import asyncio\nawait asyncio.gather(*[asyncio.to_thread(llm_query, p) for p in 'abc'])", "['A', 'B', 'C']\n", ABC),
    (
        "import asyncio\nloop = asyncio.get_running_loop()\nawait asyncio.gather(*[loop.run_in_executor(None, llm_query, p) for p in 'abc'])",
        "['A', 'B', 'C']\n",
        ABC,
    ),
    ("import asyncio\nawait asyncio.gather(*[asyncio.to_thread(lambda p: llm_query(p), p) for p in 'ab'])", "['A', 'B']\n" + TOGETHER.format(2), [["a"], ["b"]]),
    ("import asyncio\nasync def ask(p):\n    return llm_query(p)\nawait asyncio.gather(ask('a'), ask('b'))", "['A', 'B']\n" + TOGETHER.format(2), [["a"], ["b"]]),
    (ASK + "await asyncio.gather(ask('a'), ask('bad'), ask('c'), return_exceptions=True)", "['A', LLMError('m: no'), 'C']\n", [["a", "bad", "c"]]),
    (ASK + "task = asyncio.create_task(ask('never'))\nawait asyncio.sleep(0)\n_ = task.cancel()\nawait ask('a')", "'A'\n", [["a"]]),
    (ASK + "async def busy():\n    while not task.done(): await asyncio.sleep(0)\ntask = asyncio.create_task(ask('a'))\nawait busy()\ntask.result()", "'A'\n", [["a"]]),
    (ASK + "async def each():\n    for p in 'ab': yield await ask(p)\n[found async for found in each()]", "['A', 'B']\n", [["a"], ["b"]]),
    ("import asyncio, time\nbegan = asyncio.get_running_loop().time()\nawait asyncio.sleep(3600)\nasyncio.get_running_loop().time() - began > 3599", "True\n", []),
    (
        POOL + ASK + "async def main():\n    with ThreadPoolExecutor() as pool:\n        return pool.submit(asyncio.run, ask('a')).result()\nasyncio.run(main())",
        "'A'\n",
        [["a"]],
    ),
    (ASK + "map_reduce('ab', lambda p: asyncio.run(asyncio.wait_for(ask(p), 1)), list, parallel=True)", "['A', 'B']\n", [["a", "b"]]),
]  # fmt: skip

POOLS = [
    (POOL + "with ThreadPoolExecutor(max_workers=8) as pool:\n    print(list(pool.map(llm_query, 'abc')))", "['A', 'B', 'C']\n", ABC),
    (POOL + "with ProcessPoolExecutor() as pool:\n    print(list(pool.map(llm_query, 'abc')))", "['A', 'B', 'C']\n", ABC),
    (POOL + "pool = ThreadPoolExecutor()\nfutures = [pool.submit(llm_query, p) for p in 'abc']\n[f.result() for f in futures]", "['A', 'B', 'C']\n", ABC),
    (
        POOL + "with ThreadPoolExecutor() as pool:\n    futures = {pool.submit(llm_query, p): p for p in ['a', 'bad']}\n"
        "    for f in as_completed(futures): print(futures[f], f.exception() or f.result())",
        "a A\nbad m: no\n",
        [["a", "bad"]],
    ),
    (POOL + "pool = ThreadPoolExecutor()\ndone, left = wait([pool.submit(llm_query, p) for p in 'abc'], timeout=1)\nlen(done), len(left)", "(3, 0)\n", ABC),
    (POOL + "f = ThreadPoolExecutor().submit(llm_query, 'a')\nwhile not f.done(): pass\nf.result(timeout=0)", "'A'\n", [["a"]]),
    (POOL + "f = ThreadPoolExecutor().submit(llm_query, prompt='a', text='b')\nf.add_done_callback(lambda f: print(f.result()))", "A\n\nB\n", [["a\n\nb"]]),
    (
        POOL + "pool = ThreadPoolExecutor()\nfirst, second = pool.submit(llm_query, 'a'), pool.submit(llm_query, 'b')\n"
        "first.add_done_callback(lambda f: print(second.result()))\nfirst.result()",
        "B\n'A'\n",
        [["a", "b"]],
    ),
    (POOL + "pool = ThreadPoolExecutor()\nf = pool.submit(llm_query, 'a')\npool.shutdown(cancel_futures=True)\nf.cancelled()", "True\n", []),
    (POOL + "with ThreadPoolExecutor() as pool:\n    print(pool.submit(llm_batch, ['a', 'b']).result())", "['A', 'B']\n", [["a", "b"]]),
    (POOL + "with ThreadPoolExecutor() as pool:\n    print(list(pool.map(lambda p: llm_query(p), 'abc')))", "['A', 'B', 'C']\n" + TOGETHER.format(3), [["a"], ["b"], ["c"]]),
    (POOL + "with ThreadPoolExecutor() as pool:\n    print(list(pool.map(len, ['a', 'bc'])))", "[1, 2]\n", []),
    (POOL + "def fib(n):\n    return n if n < 2 else pool.submit(fib, n - 1).result() + pool.submit(fib, n - 2).result()\npool = ThreadPoolExecutor(1)\nfib(6)", "8\n", []),
    (POOL + "with ThreadPoolExecutor() as pool:\n    f = pool.submit(lambda: 1 / 0)\nf.exception()", "ZeroDivisionError('division by zero')\n", []),
    (POOL + "with ThreadPoolExecutor() as pool: pass\ntry: pool.submit(len, '')\nexcept RuntimeError as error: print(error)", "cannot schedule new futures after shutdown\n", []),
    (POOL + "import threading\nThreadPoolExecutor(thread_name_prefix='w').submit(lambda: threading.current_thread().name).result()", "'w_0'\n", []),
    (POOL + "def f(p):\n    with ThreadPoolExecutor() as pool: return list(pool.map(llm_query, [p, p + p]))\nmap_reduce('ab', f, list, parallel=True)", "[['A', 'AA'], ['B', 'BB']]\n", [["a", "aa", "b", "bb"]]),
    (POOL + "early = ThreadPoolExecutor().submit(llm_query, 'early')\nmap_reduce('ab', llm_query, list, parallel=True), early.result()", "(['A', 'B'], 'EARLY')\n", [["early"], ["a", "b"]]),
]  # fmt: skip

WORK = "import threading, queue, time\nfound = []\ndef work(p): found.append(llm_query(p))\n"
THREADS = [
    (
        WORK + "threads = [threading.Thread(target=work, args=(p,)) for p in 'abc']\nfor t in threads: t.start()\n"
        "for t in threads: t.join()\nfound, threading.active_count(), threads[0].is_alive()",
        "(['A', 'B', 'C'], 1, False)\n" + TOGETHER.format(3),
        [["a"], ["b"], ["c"]],
    ),
    (WORK + "t = threading.Thread(target=work, args=('a',), daemon=True)\nt.start()\nfound", "['A']\n", [["a"]]),
    (WORK + "t = threading.Thread(target=lambda: print(threading.current_thread().name, threading.active_count()), name='own')\nt.start()", "own 2\n", []),
    (WORK + "data = threading.local()\ndata.x = 1\nthreading.Thread(target=lambda: print(hasattr(data, 'x'))).start()\ndata.x", "False\n1\n", []),
    (WORK + "lock = threading.Lock()\nwith lock: print(lock.acquire(timeout=5), lock.acquire(False), lock.locked())\nlock.locked()", "False False True\nFalse\n", []),
    (WORK + "lock = threading.RLock()\nwith lock:\n    with lock: print('twice')", "twice\n", []),
    (WORK + "event = threading.Event()\nthreading.Thread(target=event.set).start()\nevent.wait()", "True\n", []),
    (WORK + "condition = threading.Condition()\nwith condition: print(condition.wait_for(lambda: False, timeout=9))", "False\n", []),
    (WORK + "barrier = threading.Barrier(2, timeout=9)\ntry: barrier.wait()\nexcept threading.BrokenBarrierError: print('broken')", "broken\n", []),
    (WORK + "q = queue.Queue()\nfor p in 'ab': q.put(p)\ndef drain():\n    while not q.empty(): work(q.get()); q.task_done()\nthreading.Thread(target=drain).start()\nq.join()\nfound", "['A', 'B']\n" + TOGETHER.format(2), [["a"], ["b"]]),
    (WORK + "for q in (queue.Queue(), queue.SimpleQueue()):\n    try: q.get(timeout=60)\n    except queue.Empty: print('empty')", "empty\nempty\n", []),
    (WORK + "t = threading.Timer(60, print, ['late'])\nt.start()\nprint('first', t.is_alive())\nt.join()\nt.is_alive()", "first True\nlate\nFalse\n", []),
    (WORK + "t = threading.Timer(60, print, ['never'])\nt.start()\nt.cancel()", "", []),
    (WORK + "threading.Timer(2, print, ['second']).start()\nthreading.Timer(1, print, ['first']).start()\ntime.sleep(1.5)\nprint('slept')", "first\nslept\nsecond\n", []),
    (WORK + "def tick(): print('tick'); threading.Timer(1, tick).start()\nthreading.Timer(1, tick).start()", "tick\n", []),
    (WORK + "class T(threading.Thread):\n    def run(self): work('a')\nt = T()\nt.start(); t.join()\nfound", "['A']\n", [["a"]]),
    (WORK + "def each(p):\n    threads = [threading.Thread(target=work, args=(p,))]\n    threads[0].start()\nmap_reduce('ab', each, len, parallel=True), sorted(found)", "(2, ['A', 'B'])\n", [["a", "b"]]),
]  # fmt: skip


@pytest.mark.parametrize(("code", "output", "batches"), ASYNC + POOLS + THREADS)
async def test_parallel_code_works(run_cells, asked, code, output, batches):
    """What waits together goes out together; the rest runs once, in order."""
    outcome = await run_cells(code, ask=asked)
    assert (outcome.error, outcome.head, asked.batches) == (None, output, batches)


ASYNC_FOR_EVER = f"{FOR_EVER} (<cell 1>, line "
NEEDS_AWAIT = (
    "(llm_query gives its answer at once, unless the cell says, by this name, `await llm_query(prompt)` or "
    "asyncio.gather(llm_query(prompt), ...).)"
)


@pytest.mark.parametrize(
    ("code", "last"),
    [
        ("import threading\nlock = threading.Lock()\nlock.acquire(); lock.acquire()", FOR_EVER),
        ("import threading\nthreading.Event().wait()", FOR_EVER),
        ("import threading\nthreading.Semaphore(0).acquire()", FOR_EVER),
        ("import threading\nthreading.Barrier(2).wait()", FOR_EVER),
        ("import queue\nqueue.Queue().get()", FOR_EVER),
        ("import queue\nqueue.SimpleQueue().get()", FOR_EVER),
        ("import queue\nq = queue.Queue(1)\nq.put(1); q.put(2)", FOR_EVER),
        ("import concurrent.futures\nconcurrent.futures.Future().result()", FOR_EVER),
        ("import threading\nthreading.Lock().release()", "RuntimeError: release unlocked lock"),
        ("import asyncio\nawait asyncio.Event().wait()", ASYNC_FOR_EVER + "2)"),
        ("import asyncio\nasync def f():\n    await asyncio.Queue().get()\nasyncio.run(f())", ASYNC_FOR_EVER + "3)"),
        ("ask = llm_query\nawait ask('a')", "TypeError: 'str' object can't be awaited\n" + NEEDS_AWAIT),
        ("await llm_query(5)", "TypeError: a prompt must be a str, not int"),
        ("await llm_query('bad')", "LLMError: m: no"),
        ("import asyncio\nasync def f(): asyncio.run(f())\nasyncio.run(f())", "RuntimeError: asyncio.run() cannot be called from a running event loop"),
        ("import asyncio\nasyncio.create_task(llm_query('a'))", "RuntimeError: no running event loop"),
        ("import asyncio\nawait asyncio.create_subprocess_exec('ls')", "OSError: [Errno 58] not available here: a cell has no processes; work with Python alone"),
        ("def f():\n    await llm_query('a')", "SyntaxError: 'await' outside async function"),
        ("import multiprocessing", "ModuleNotFoundError: No module named 'multiprocessing'\n(multiprocessing is not available here: a cell is one process; llm_batch(prompts) asks many models at once, as does concurrent.futures.)"),
    ],
)  # fmt: skip
async def test_what_cannot_go_on_says_so(run_cells, asked, code, last):
    """An error, never a hang; where an event loop stands still, with the lines that wait."""
    error = (await run_cells(code, ask=asked)).error
    assert "\n".join(error.splitlines()[-1 - last.count("\n") :]) == last


async def test_a_thread_that_raises_is_printed(run_cells):
    """The cell goes on."""
    outcome = await run_cells("import threading\nt = threading.Thread(target=lambda: 1 / 0)\nt.start()\nprint('on')")
    lines = outcome.head.splitlines()
    assert (lines[0], lines[-2:], outcome.error) == (
        "Exception in thread Thread-1 (<lambda>):",
        ["ZeroDivisionError: division by zero", "on"],
        None,
    )


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (ASK + "await asyncio.gather(ask('a'), ask('b'), return_exceptions=True)", "[BudgetError('too many: 2'), BudgetError('too many: 2')]\n"),
        (POOL + "pool = ThreadPoolExecutor()\n[f.exception() for f in [pool.submit(llm_query, p) for p in 'ab']]", "[BudgetError('too many: 2'), BudgetError('too many: 2')]\n"),
    ],
)  # fmt: skip
async def test_a_refused_batch_is_refused_for_each(run_cells, code, error):
    """Nothing was sent; every one is told."""

    async def refused(prompts):
        raise BudgetExceeded(f"too many: {len(prompts)}")

    assert (await run_cells(code, ask=refused)).head == error


@pytest.mark.parametrize("kept", ["{{{}: p for p in range(9)}}", "{{{} for p in range(9)}}", "[{} for p in range(9)]"])
async def test_results_come_in_the_order_of_submission(run_cells, kept):
    """Where the sub-calls end, what was answered is not behind what failed."""
    answered = []

    async def ask_five(prompts):
        if len(answered) == 5:
            raise BudgetExceeded("used up")
        answered.extend(prompts)
        return [SubReply(text="x") for _ in prompts]

    outcome = await run_cells(
        POOL + "def ask(p): return p, llm_query(str(p))\nfound = []\n"
        f"with ThreadPoolExecutor() as pool:\n    futures = {kept.format('pool.submit(ask, p)')}\n"
        "    for each in as_completed(futures): found.append(each.result()[0])",
        "found",
        ask=ask_five,
    )
    assert (answered, outcome.head) == (list("01234"), "[0, 1, 2, 3, 4]\n")


async def test_what_is_no_call_of_a_pool_is_waited_for_too(run_cells):
    """A future of the cell's own comes when its result does."""
    code = (
        POOL + "from concurrent.futures import Future\nimport threading\nmine = Future()\n"
        "asked = ThreadPoolExecutor().submit(llm_query, 'a')\n_ = mine.set_result('b')\n"
        "[each.result() for each in as_completed([asked, mine, asked])]"
    )
    assert (await run_cells(code)).head == "['b', 'A']\n"


async def test_more_than_one_batch_holds_goes_out_in_several(run_cells, new_engine):
    """Each as large as the host takes it."""
    batches = []

    async def first(prompts):
        batches.append([prompt[0] for prompt in prompts])
        return [SubReply(text="x") for _ in prompts]

    code = ASK + "_ = await asyncio.gather(*[ask(p * 9_000_000) for p in 'abc'])"
    outcome = await run_cells(code, ask=first, engine=new_engine(SandboxSettings()))
    assert (outcome.error, batches) == (None, [["a", "b"], ["c"]])


async def test_tasks_go_on_in_the_next_cell_that_awaits(run_cells, asked):
    """What is left says so."""
    left = "task = asyncio.create_task(ask('a'))"
    outcome = await run_cells(ASK + left + "\nawait asyncio.sleep(0)", ask=asked)
    assert outcome.head == "(asyncio tasks that are not finished: 1; they go on in the next cell that awaits)\n"
    assert (await run_cells(ASK + left + "\nawait asyncio.sleep(0)", "await task", ask=asked)).head == "'A'\n"


async def test_futures_and_pools_outlive_their_cell(run_cells, asked):
    """What was submitted is done when the cell ends."""
    outcome = await run_cells(
        f"{POOL}pool = ThreadPoolExecutor()\nf = pool.submit(llm_query, 'a')",
        "f, pool.submit(llm_query, 'b').result()",
        ask=asked,
    )
    assert outcome.head.endswith("state=finished returned str>, 'B')\n")
    assert asked.batches == [["a"], ["b"]]


async def test_a_cell_that_stands_still_leaves_the_next_one_free(run_cells, asked):
    """Its tasks are gone, and the loop works."""
    outcome = await run_cells("import asyncio\nawait asyncio.Event().wait()", "await llm_query('a')", ask=asked)
    assert (outcome.head, outcome.error) == ("'A'\n", None)


async def test_a_cell_that_is_rolled_back_leaves_nothing_waiting(new_notebook, asked):
    """What it had asked for is asked anew."""
    notebook = new_notebook(ask=asked)
    await notebook.run_cell(1, POOL + "pool = ThreadPoolExecutor()")
    await notebook.run_cell(
        2, "lost = pool.submit(llm_query, 'lost')\nkept = pool.submit(llm_query, 'a').result()\nwhile True: pass"
    )
    outcome = await notebook.run_cell(3, "pool.submit(llm_query, 'b').result(), 'lost' in globals()")
    assert (outcome.head, asked.batches) == ("('B', False)\n", [["lost", "a"], ["b"]])


@pytest.mark.parametrize(
    "broken",
    [
        "import asyncio\nasyncio.run = asyncio.new_event_loop = asyncio.events._event_loop_policy = None",
        "import asyncio\nasyncio.BaseEventLoop.run_forever = None",
        "import sys, asyncio\nfor name in [n for n in sys.modules if 'asyncio' in n]: del sys.modules[name]",
        "import threading, queue\nthreading.Lock = threading.Condition = threading.get_ident = None",
        "import time\ntime.sleep = time.monotonic = None",
    ],
)
async def test_what_a_cell_breaks_breaks_no_report(run_cells, asked, broken):
    """Sub-calls and output go on."""
    outcome = await run_cells(broken, "print(llm_query('a'))", ask=asked)
    assert (outcome.head, outcome.error) == ("A\n", None)
