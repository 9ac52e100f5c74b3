"""What runs inside the sandbox, around a model's cells.

runner     runs a cell and reports its outcome
standard   what analysis uses of the standard library, imported while the component is built
library    the rest of it and the time zones, compiled, run when first imported
absent     what Python has elsewhere and a cell has not, and what to use instead
habits     what a cell does by habit and cannot have: errors where the real thing would end the guest
hints      what a cell is told beside an error
capture    the bounded output of a cell
context    `context`: a str, a lazy text or a lazy list of documents
queries    `llm_query`, `llm_batch`, `map_reduce`
modules    `modules`: precompiled WebAssembly
commands   the JSON commands
answers    `FINAL`, `FINAL_VAR`, `answer`, `Final`
helpers    chunking, searching, aggregating: pure functions
host       the only file that touches the raw imports
"""
