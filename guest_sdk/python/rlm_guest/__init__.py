"""What runs inside the sandbox, around a model's cells.

runner     runs a cell and reports its outcome
standard   the standard library that is frozen into the component; habits that cannot work here
capture    the bounded output of a cell
context    `context`: a str, a lazy text or a lazy list of documents
queries    `llm_query`, `llm_batch`, `map_reduce`
modules    `modules`: precompiled WebAssembly
commands   the JSON commands
answers    `FINAL`, `FINAL_VAR`, `answer`, `Final`
helpers    chunking, searching, aggregating: pure functions
host       the only file that touches the raw imports
"""
