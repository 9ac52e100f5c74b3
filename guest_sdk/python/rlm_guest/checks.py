"""Answers, checked by asking sub-models."""

import re
from collections import Counter

from . import queries


def verify_answer(answer: str, prompt: str) -> tuple[bool, str]:
    """Whether a sub-model finds that the answer to the prompt is right, and what it says. Raises LLMError, BudgetError."""
    reply = queries.llm_query(
        f"{prompt}\n\nThis answer was given:\n{answer}\n\nIs it right and complete? Reply YES or NO, and why in one sentence."
    )
    verdict = re.search(r"\b(yes|no)\b", reply, re.IGNORECASE)
    return verdict is not None and verdict[1].lower() == "yes", reply.strip()


def consensus_check(question: str, num_attempts: int = 3) -> tuple[str, float]:
    """The answer that sub-models give most often, and its share of the attempts. Raises LLMError, BudgetError."""
    if num_attempts < 1:
        raise ValueError(f"consensus_check: num_attempts must be at least 1, not {num_attempts}")
    answers = [answer.strip() for answer in queries.llm_batch([question] * num_attempts)]
    same, count = Counter(map(_plain, answers)).most_common(1)[0]
    return next(answer for answer in answers if _plain(answer) == same), count / num_attempts


def _plain(answer: str) -> str:
    """Without what makes no other answer: case, spaces, a last full stop."""
    return " ".join(answer.casefold().split()).rstrip(".")
