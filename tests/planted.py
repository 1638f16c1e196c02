"""Answers planted for the checks: a table of what is said → the answers that must hear it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest


def cases(check: Callable, table: Mapping[str, Sequence[Callable]]) -> list[Any]:
    """Return one test case, (check, says, answer), for each answer of the table."""
    return [
        pytest.param(check, says, answer, id=f"{check.__name__}-{says}-{i}")
        for says, answers in table.items()
        for i, answer in enumerate(answers)
    ]


def assert_says(check: Callable, says: str, answer: Callable, capsys) -> None:
    """Hold what the check says, and whose function goes on, against the table ("right" or not)."""
    goes_on = check(answer)
    said = capsys.readouterr().out
    assert f"{check.__name__}: {says}" in said if says == "right" else says in said
    assert (goes_on is answer) == (says == "right")
    assert ("goes on with yours" in said) == (says == "right")
