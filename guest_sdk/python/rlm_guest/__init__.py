"""What runs inside the sandbox, around a model's cells.

runner     runs a cell and reports its outcome
standard   what analysis uses of the standard library, imported while the component is built
library    the rest of it and the time zones, compiled, run when first imported
absent     what Python has elsewhere and a cell has not, and what to use instead
habits     what a cell does by habit and cannot have: errors where the real thing would end the guest
tracebacks how an exception is shown
hints      what a cell is told beside it
capture    the bounded output of a cell
context    `context`: what it is in this run
lazy/      a text and documents that are too large to be held
lazy_re/   `re` over them
queries    `llm_query`, `llm_batch`, and sub-calls that wait to go out together
typed      their answers as values: types and JSON Schemas
recursion  child runs: `rlm_query`, `rlm_batch`
rounds     `map_reduce`
parallel/  `asyncio`, `threading` and `concurrent.futures` in one thread
replies    `parse_json`
checks     `verify_answer`, `consensus_check`
modules    `modules`: precompiled WebAssembly
calls      their calls
commands   the JSON commands
names      what they say by name: ${name}
matching   the lines that they find
asking     their sub-calls over many parts
showing    how their results are shown
lines      lines by their numbers
answers    `FINAL`, `FINAL_VAR`, `answer`, `Final`
helpers    searching, aggregating: pure functions
chunks     chunk_text, chunk_by_tokens
host       the only file that touches the raw imports
"""
