"""« Pourquoi ? » : after a strong sign-in a patient asks why somebody looked; the data protection officer of that house answers (workflow rule book 15)."""

from __future__ import annotations

from maillage.access.questions.actions import answer, ask, call_for_answers
from maillage.access.questions.queries import own, question, to_answer
from maillage.access.questions.rules import may_ask
from maillage.access.questions.types import FOCUS, LONGEST, SHORTEST_ANSWER, Look, Question

__all__ = [
    "FOCUS",
    "LONGEST",
    "SHORTEST_ANSWER",
    "Look",
    "Question",
    "answer",
    "ask",
    "call_for_answers",
    "may_ask",
    "own",
    "question",
    "to_answer",
]
