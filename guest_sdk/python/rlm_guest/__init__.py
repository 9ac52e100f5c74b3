"""What runs inside the sandbox, around a model's cells.

runner     runs a cell and reports its outcome
standard   the standard library that is frozen into the component; habits that cannot work here
capture    the bounded output of a cell
context    `context`: what it is in this run
lazy/      a text and documents that are too large to be held
lazy_re/   `re` over them
queries    `llm_query`, `llm_batch`, `map_reduce`
modules    `modules`: precompiled WebAssembly
calls      their calls
commands   the JSON commands
lines      lines by their numbers
answers    `FINAL`, `FINAL_VAR`, `answer`, `Final`
helpers    searching, aggregating: pure functions
chunks     chunk_text, chunk_by_tokens
host       the only file that touches the raw imports
"""
