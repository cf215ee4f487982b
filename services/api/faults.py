"""Errors as answers of the raw front: the same table and the same words as behind the framework."""

from __future__ import annotations

from http import HTTPStatus

from geoplan.errors import GeoplanError
from services.api.answers import Answer
from services.api.errors import Problem, problem_of

BUSY = "The service has as much work as it can take; try again in a second."


def answer_for(error: GeoplanError) -> Answer | None:
    """The answer to an expected error; None when it is a fault of the program or the build."""
    problem = problem_of(error)
    return _answer(problem) if problem is not None else None


def problem_answer(status: HTTPStatus, detail: str, *, retry_s: int = 0) -> Answer:
    """Problem details, with the seconds after which another try is worth while."""
    return _answer(Problem(status, detail, {"Retry-After": str(retry_s)} if retry_s else None))


def _answer(problem: Problem) -> Answer:
    own = {b"content-type", b"content-length", b"cache-control"}
    extra = tuple((name, value) for name, value in problem.raw_headers if name not in own)
    return Answer(problem.status_code, Problem.media_type, bytes(problem.body), extra=extra)
