"""The questions of the demo: a file each, with its text, its input and its truth. Their scripted replies are in ../scripts/.

most_classes      code over a whole text, then a sub-call for each of five modules
import_calls      verdicts of a sub-model on lines that code found
log_errors        JSON commands
incident_causes   documents, each read by a sub-model
review_verdicts   classification and aggregation
slowest_endpoint  a module, called from a cell
sales_by_city     a module, called by a JSON command
needle            one sentence in a book, in other words than the question's
mystery           testimonies, read into values of a type, that contradict each other
family_tree       a child run for each family of 100 documents
user_labels       a thousand lines, classified fifty at a time, counted per user
pairs             a relation between all pairs, by code over labels of a sub-model
claims            an answer that a sub-model checks, and sends back
patients          records in JSON: what happened after what
unique_addresses  different values and a ranking, by modules in JSON commands
long_output       a long answer, built in parts
log_summary       50 MB in chunks: counts by modules, judgements by sub-models
"""

import importlib
import re

from question import Question

# In the order of `make demo`.
NAMES = re.findall(r"^(\w+)  ", __doc__, re.MULTILINE)


def make_question(name: str) -> Question:
    """With its input, which takes up to a second."""
    return importlib.import_module(f"questions.{name}").make()  # type: ignore[no-any-return]
