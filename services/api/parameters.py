"""Query parameters: only those a route names, each at most once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from fastapi import Depends, Request

from services.api.errors import UnknownParameterError


def only(*names: str) -> Any:
    """Dependency that refuses a query parameter other than `names`, and one that is given twice."""

    def check(request: Request) -> None:
        given = Counter(name for name, _ in request.query_params.multi_items())
        for name, times in given.items():
            if name not in names:
                known = ", ".join(names) if names else "none"
                raise UnknownParameterError(f"unknown query parameter {name[:100]!r}; known here: {known}")
            if times > 1:
                raise UnknownParameterError(f"query parameter {name!r} is given {times} times")

    dependency: Callable[[Request], None] = check
    return Depends(dependency)
