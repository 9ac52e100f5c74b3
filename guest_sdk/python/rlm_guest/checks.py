"""Answers, checked by asking sub-models."""

import re
from collections import Counter
from typing import Any

from . import queries
from .answers import as_text


def verify_answer(answer: Any, prompt: str, model: str | None = None) -> tuple[bool, str]:
    """Whether a sub-model finds that the answer to the prompt is right, and what it says. Raises LLMError, BudgetError."""
    reply: str = queries.llm_query(
        f"{prompt}\n\nThis answer was given:\n{as_text(answer)}\n\nIs it right and complete? Reply YES or NO, and why in one "
        "sentence.",
        model=model,
    )
    verdict = re.search(r"\b(yes|no)\b", reply, re.IGNORECASE)
    return verdict is not None and verdict[1].lower() == "yes", reply.strip()


def consensus_check(question: str, num_attempts: int = 3, schema: Any = None, model: str | None = None) -> tuple[Any, float]:
    """The answer that sub-models give most often, and its share of the attempts. Raises LLMError, BudgetError."""
    if num_attempts < 1:
        raise ValueError(f"consensus_check: num_attempts must be at least 1, not {num_attempts}")
    answers = queries.llm_batch([question] * num_attempts, schema=schema, model=model)
    same, count = Counter(map(_plain, answers)).most_common(1)[0]
    answer = next(answer for answer in answers if _plain(answer) == same)
    return answer.strip() if isinstance(answer, str) else answer, count / num_attempts


def _plain(answer: Any) -> str:
    """Without what makes no other answer: case, spaces, a last full stop."""
    return " ".join(as_text(answer).casefold().split()).rstrip(".")
