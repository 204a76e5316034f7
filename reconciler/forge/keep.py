"""One post for one thing: written once, then rewritten in place, and closed when there is nothing more to say."""

from dataclasses import dataclass
from typing import Literal

from reconciler.forge.mark import mark_of
from reconciler.forge.post import Issues, Post, Wall


@dataclass(frozen=True, slots=True)
class Kept:
    """What was done, and where to look at it."""

    done: Literal["wrote", "updated", "kept", "closed"]
    url: str


def keep(wall: Wall, title: str, body: str) -> Kept:
    """Make a post say this: the one of ours that carries the body's marker, else a new one. Raises `ApiError`."""
    post = find(wall, mark_of(body))
    if post is None:
        return Kept("wrote", wall.write(title, body).url)
    if _as_stored(post.body) == _as_stored(body):
        return Kept("kept", post.url)
    return Kept("updated", wall.rewrite(post, body).url)


def close(issues: Issues, mark: str) -> Kept | None:
    """Close the open issue of ours that carries a marker; None where there is none. Raises `ApiError`."""
    post = find(issues, mark)
    if post is None:
        return None
    issues.close(post)
    return Kept("closed", post.url)


def find(wall: Wall, mark: str | None) -> Post | None:
    """The first post with this marker that the token's own account wrote: whoever copies a marker is not obeyed."""
    me: str | None = None
    for post in wall.posts():
        if mark_of(post.body) != mark:
            continue
        me = wall.author() if me is None else me
        if post.author == me:
            return post
    return None


def _as_stored(body: str) -> str:
    return body.replace("\r\n", "\n").strip()
