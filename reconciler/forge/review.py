"""What was reviewed of a branch: the plans under the requests that were merged into it and not applied yet.

Merges may follow each other faster than they are applied. So all requests count, from the branch's head back to the
first whose plan has been applied. A plan that was applied counts no more, nor does what an apply has done of one: what
somebody changes back in the account afterwards has not been reviewed.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from reconciler.errors import ApiError
from reconciler.forge.comments import APPLIED, Comments, CommentThread, ending_in, find, last_line
from reconciler.forge.repository import History
from reconciler.plan.reviewed import NOTHING, Reviewed, marks_of, reviewed_in

LOOK_BACK: Final = 50
"""Commits that are looked at. Of merges further back nothing counts as reviewed."""


@dataclass(frozen=True, slots=True)
class ReviewedPlans:
    """The requests that were merged and not applied, the newest first, and what their plans held together.

    `without_plan` are those of them under which our own account has told no plan.
    """

    requests: tuple[int, ...]
    known: Reviewed
    without_plan: tuple[int, ...]


def find_reviewed(history: History, thread_of: Callable[[int], CommentThread], mark: str, head: str) -> ReviewedPlans:
    """Look for the plans, each in the comment that carries the marker and that the token's own account wrote.

    Raises `ApiError`, and `PlanUnusable` for a comment that was cut.
    """
    known = NOTHING
    seen: list[int] = []
    without: list[int] = []
    for commit in history.commits(head)[:LOOK_BACK]:
        for number in history.requests(commit):
            if number in seen:
                continue
            comment = find(thread_of(number), mark)
            told = "" if comment is None else last_line(comment.body)
            if told == APPLIED:
                return ReviewedPlans(tuple(seen), known, tuple(without))
            seen.append(number)
            found = reviewed_in(told)
            if found is None:
                without.append(number)
            else:
                known |= found
    return ReviewedPlans(tuple(seen), known, tuple(without))


def is_settled(comments: Comments, body: str) -> bool:
    """Whether a report says what was reviewed, of a request that is merged: nobody has reviewed a plan made since.

    Where the forge does not tell, it counts as open.
    """
    try:
        return reviewed_in(last_line(body)) is not None and comments.is_merged()
    except ApiError:
        return False


def set_applied(
    thread_of: Callable[[int], CommentThread], mark: str, numbers: Iterable[int], left: frozenset[bytes] = frozenset()
) -> None:
    """Say in the plans under these requests that they have been applied, and so count no more, but for what is left.

    Raises `ApiError`.
    """
    for number in numbers:
        thread = thread_of(number)
        comment = find(thread, mark)
        known = None if comment is None else reviewed_in(last_line(comment.body))
        if comment is None or known is None:
            continue
        rest = known.entries & left
        if not rest or rest != known.entries:
            thread.rewrite(comment, ending_in(comment.body, marks_of(Reviewed(rest)) if rest else APPLIED))
