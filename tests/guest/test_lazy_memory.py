"""A guest of 64 MiB goes through contexts that are larger, and through what does not fit it stays alive."""

import pytest
from notebooks import Notebook

from orchestrator.config import SandboxSettings
from orchestrator.contexts.store import ContextStore
from orchestrator.sandbox.engine import Engine

LINE = "2024-05-01 12:00:00 INFO user=bjørn did something ordinary here\r\n"
LINES, DOCUMENTS = 1_100_000, 70_000


@pytest.fixture(scope="module")
def small_engine():
    engine = Engine(SandboxSettings(memory_bytes=64 << 20, context_inline_limit=1 << 20))
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def contexts():
    """About 72 MB each: lines of a text, and documents with names."""
    store = ContextStore()
    with store.arriving("text") as writer:
        for _ in range(100):
            writer.write_text(LINE * (LINES // 100))
        writer.write_text("the needle")
        writer.end_document()
        text = store.keep(writer)
    documents = store.add_documents((f"logs/{number}.txt", f"{LINE * 16}{number}") for number in range(DOCUMENTS))
    return {"text": text, "documents": documents}


@pytest.mark.parametrize(
    ("kind", "code", "output"),
    [
        ("text", "sum(1 for line in context.splitlines() if 'INFO' in line), len(context.split('\\n'))", (LINES, LINES + 1)),
        ("text", "sum(map(len, chunk_text(context, 100_000, 0))) == len(context)", True),
        ("text", "regex_search('needle', context), keyword_filter(context, ['NEEDLE'], 4)", (["needle"], ["the needle"])),
        ("text", "sum(map(len, context.pieces())), context.count('\\r\\n')", (LINES * len(LINE) + 10, LINES)),
        ("documents", "sum(map(len, context)), sum(text.endswith('7') for text in context)", (DOCUMENTS * (16 * len(LINE) + 5) - 11_110, 7000)),
        ("documents", "all(name == f'logs/{text.splitlines()[-1]}.txt' for name, text in zip(context.names, context))", True),
        ("documents", "context.index(context[69_999]), context.names.index('logs/50000.txt')", (69_999, 50_000)),
        ("documents", "len(context[::2]), context[::-1][5][-5:], len(chunk_text(context, 1040, 0))", (35_000, "69994", 140_000)),
    ],
)  # fmt: skip
async def test_a_context_larger_than_the_memory_is_gone_through(contexts, small_engine, kind, code, output):
    """Line by line, document by document, chunk by chunk."""
    outcome = await Notebook(small_engine, contexts[kind]).run_cell(1, code)
    assert (outcome.error, outcome.head) == (None, f"{output}\n")


@pytest.mark.parametrize("kind", ["text", "documents"])
@pytest.mark.parametrize("greedy", ["list(context)", "str(context)", "sorted(context)", "[*context, *context]"])
async def test_what_does_not_fit_leaves_the_run_as_it_was(contexts, small_engine, kind, greedy):
    """A MemoryError in the cell; the next one goes on."""
    notebook = Notebook(small_engine, contexts[kind])
    failed = await notebook.run_cell(1, f"kept = 5\nlen({greedy})")
    assert "\nMemoryError" in failed.error
    assert (await notebook.run_cell(2, "kept, len(context[:100])")).head == "(5, 100)\n"
