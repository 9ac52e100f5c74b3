"""Whether an answer is right, as a sub-model is asked before it stands."""

from typing import Any

EVIDENCE = 8000  # code points of what the run has seen last, and of the answer

VERDICT: dict[str, Any] = {
    "type": "object",
    "properties": {"why": {"type": "string"}, "agrees": {"type": "boolean"}},
    "required": ["why", "agrees"],
    "additionalProperties": False,
}


def prompt(question: str, answer: str, seen: str) -> str:
    """`seen`: what the run was shown of the input, and what its code printed, the newest last."""
    evidence = seen if len(seen) <= EVIDENCE else f"[... the beginning is left out ...]\n{seen[-EVIDENCE:]}"
    return (
        "An assistant answered a question about an input, from what it saw of the beginning and what its code printed.\n\n"
        f"Question: {question}\n\nAnswer: {answer[:EVIDENCE]}\n\nWhat it was shown:\n-----\n{evidence}\n-----\n\n"
        "Does what it was shown support the answer, and does the answer say what was asked for? Agree, unless you can name "
        "what is wrong or missing; say why in one sentence."
    )


def disagreement(why: str) -> str:
    """What the root model is told."""
    return (
        f"Before it stands, your answer was checked by another model, which disagrees: {why}\nLook again. Then answer, with "
        "the same or another answer: it is not checked once more."
    )
