"""GitHub's and GitLab's APIs, as far as comments and issues go, from their public pages.

It shares no code with the product. Commits are those of a repository on disk. One server answers both: paths
below `/api/v3` are GitHub's, those below `/api/v4` GitLab's.
"""

import json
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

REPOSITORY = "studio/monetization"
PROJECT = "77"
TOKEN = "forge-token-canary-77031"
BOT, BOT_ID = "github-actions[bot]", 41


@dataclass
class Thing:
    """A comment or an issue."""

    number: int
    author: str
    body: str
    title: str = ""
    open: bool = True
    request: int | None = None
    is_request: bool = False


@dataclass
class Forge:
    """Comments and issues. `refuse`: statuses by `METHOD last-part-of-path`."""

    comments: list[Thing] = field(default_factory=list)
    issues: list[Thing] = field(default_factory=list)
    refuse: dict[str, int] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    person: str | None = None
    """The login of a token that is a person's; None for a job's own."""
    repository: Path | None = None
    """The repository that the forge hosts; its commits are looked up there."""
    merged: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Commits that came by a merge: the number of the request, and the branch that it was merged into."""
    url: str = ""
    _next: int = 900

    def somebody_comments(self, author: str, body: str, request: int = 1) -> Thing:
        return self.put(self.comments, Thing(self.number(), author, body, request=request))

    def number(self) -> int:
        self._next += 1
        return self._next

    @staticmethod
    def put(among: list[Thing], thing: Thing) -> Thing:
        among.append(thing)
        return thing

    @property
    def me(self) -> str:
        return self.person or BOT

    @property
    def open_issues(self) -> list[Thing]:
        return [issue for issue in self.issues if issue.open]

    @contextmanager
    def running(self) -> Iterator["Forge"]:
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def answer(self, method: str, path: str, query: dict[str, str], body: Any, token: str) -> tuple[int, Any]:
        self.asked.append(f"{method} {path}")
        if token != TOKEN:
            return 401, {"message": "Bad credentials"}
        status = self.refuse.get(f"{method} {path.rpartition('/')[2]}")
        if status is not None:
            return status, {"message": f"refused, {token}"}
        for pattern, handle in {**_GITHUB, **_GITLAB}.items():
            if found := re.fullmatch(pattern, f"{method} {path}"):
                return handle(self, [_part(part) for part in found.groups()], query, body)
        return 404, {"message": "Not Found"}


def _part(text: str) -> Any:
    """A number of a path, or a commit."""
    return int(text) if len(text) < 40 else text


def _commits(forge: Forge, head: str, *, first_parents: bool) -> list[tuple[str, list[str]]]:
    """Commits with their parents, as `git log` orders them."""
    assert forge.repository is not None
    call = ["git", "log", "--format=%H %P", *(["--first-parent"] if first_parents else []), head]
    done = subprocess.run(call, cwd=forge.repository, capture_output=True, text=True, timeout=60, check=True)
    return [(line.split()[0], line.split()[1:]) for line in done.stdout.splitlines()]


def _page(rows: list[Any], query: dict[str, str]) -> tuple[int, Any]:
    size, number = min(int(query.get("per_page", "30")), 100), int(query.get("page", "1"))
    return 200, rows[size * (number - 1) : size * number]


def _gh(thing: Thing) -> dict[str, Any]:
    shown = {"user": {"login": thing.author}, "body": thing.body, "html_url": f"https://forge.example/{thing.number}"}
    number = {"id": thing.number} if thing.request else {"number": thing.number, "id": 5_000 + thing.number}
    return {**shown, **number, **({"pull_request": {}} if thing.is_request else {})}


def _gl(thing: Thing) -> dict[str, Any]:
    text = (
        {"id": thing.number, "body": thing.body} if thing.request else {"iid": thing.number, "description": thing.body}
    )
    author = {"id": BOT_ID if thing.author == BOT else 7}
    return {**text, "author": author, "system": False, "web_url": f"https://forge.example/{thing.number}"}


def _one(among: list[Thing], number: int) -> Thing:
    return next(thing for thing in among if thing.number == number)


def _gh_user(forge: Forge, _ids: list[int], _query: Any, _body: Any) -> tuple[int, Any]:
    if forge.person is None:
        return 403, {"message": "Resource not accessible by integration"}
    return 200, {"login": forge.person}


def _gh_viewer(_forge: Forge, _ids: list[int], _query: Any, body: Any) -> tuple[int, Any]:
    assert "viewer" in body["query"]
    return 200, {"data": {"viewer": {"login": BOT.removesuffix("[bot]")}}}


def _gh_list(forge: Forge, ids: list[int], query: dict[str, str], _body: Any) -> tuple[int, Any]:
    return _page([_gh(thing) for thing in forge.comments if thing.request == ids[0]], query)


def _gh_issues(forge: Forge, _ids: list[int], query: dict[str, str], _body: Any) -> tuple[int, Any]:
    return _page([_gh(thing) for thing in forge.issues if thing.open or query.get("state") != "open"], query)


def _gh_comment(forge: Forge, ids: list[int], _query: Any, body: Any) -> tuple[int, Any]:
    return 201, _gh(forge.somebody_comments(forge.me, body["body"], ids[0]))


def _gh_edit_comment(forge: Forge, ids: list[int], _query: Any, body: Any) -> tuple[int, Any]:
    thing = _one(forge.comments, ids[0])
    thing.body = body["body"]
    return 200, _gh(thing)


def _gh_open(forge: Forge, _ids: list[int], _query: Any, body: Any) -> tuple[int, Any]:
    return 201, _gh(forge.put(forge.issues, Thing(forge.number(), forge.me, body["body"], body["title"])))


def _gh_edit_issue(forge: Forge, ids: list[int], _query: Any, body: Any) -> tuple[int, Any]:
    thing = _one(forge.issues, ids[0])
    thing.body = body.get("body", thing.body)
    thing.open = body.get("state", "open" if thing.open else "closed") == "open"
    return 200, _gh(thing)


def _gh_commits(forge: Forge, _ids: Any, query: dict[str, str], _body: Any) -> tuple[int, Any]:
    commits = _commits(forge, query["sha"], first_parents=False)
    return _page([{"sha": sha, "parents": [{"sha": each} for each in parents]} for sha, parents in commits], query)


def _gh_pulls(forge: Forge, ids: list[Any], query: dict[str, str], _body: Any) -> tuple[int, Any]:
    number, base = forge.merged.get(ids[0], (None, ""))
    open_one = {"number": 800, "merged_at": None, "base": {"ref": "main"}}
    row = {"number": number, "merged_at": "2026-11-27T08:00:00Z", "base": {"ref": base}}
    return _page([open_one, *([] if number is None else [row])], query)


_REPO = f"/api/v3/repos/{REPOSITORY}"
_GITHUB = {
    r"GET /api/v3/user": _gh_user,
    r"POST /api/graphql": _gh_viewer,
    rf"GET {_REPO}/issues/(\d+)/comments": _gh_list,
    rf"POST {_REPO}/issues/(\d+)/comments": _gh_comment,
    rf"PATCH {_REPO}/issues/comments/(\d+)": _gh_edit_comment,
    rf"GET {_REPO}/commits": _gh_commits,
    rf"GET {_REPO}/commits/([0-9a-f]{{40}})/pulls": _gh_pulls,
    rf"GET {_REPO}/issues": _gh_issues,
    rf"POST {_REPO}/issues": _gh_open,
    rf"PATCH {_REPO}/issues/(\d+)": _gh_edit_issue,
}


def _gl_user(_forge: Forge, _ids: list[int], _query: Any, _body: Any) -> tuple[int, Any]:
    return 200, {"id": BOT_ID, "username": "project_77_bot"}


def _gl_list(forge: Forge, ids: list[int], query: dict[str, str], _body: Any) -> tuple[int, Any]:
    return _page([_gl(thing) for thing in forge.comments if thing.request == ids[0]], query)


def _gl_issues(forge: Forge, _ids: list[int], query: dict[str, str], _body: Any) -> tuple[int, Any]:
    return _page([_gl(thing) for thing in forge.issues if thing.open or query.get("state") != "opened"], query)


def _gl_note(forge: Forge, ids: list[int], _query: Any, body: Any) -> tuple[int, Any]:
    return 201, _gl(forge.somebody_comments(forge.me, body["body"], ids[0]))


def _gl_edit_note(forge: Forge, ids: list[int], _query: Any, body: Any) -> tuple[int, Any]:
    thing = _one(forge.comments, ids[1])
    assert thing.request == ids[0]
    thing.body = body["body"]
    return 200, _gl(thing)


def _gl_open(forge: Forge, _ids: list[int], _query: Any, body: Any) -> tuple[int, Any]:
    return 201, _gl(forge.put(forge.issues, Thing(forge.number(), forge.me, body["description"], body["title"])))


def _gl_edit_issue(forge: Forge, ids: list[int], _query: Any, body: Any) -> tuple[int, Any]:
    thing = _one(forge.issues, ids[0])
    thing.body = body.get("description", thing.body)
    thing.open = thing.open and body.get("state_event") != "close"
    return 200, _gl(thing)


def _gl_commits(forge: Forge, _ids: Any, query: dict[str, str], _body: Any) -> tuple[int, Any]:
    commits = _commits(forge, query["ref_name"], first_parents=query.get("first_parent") == "true")
    return _page([{"id": sha, "parent_ids": parents} for sha, parents in commits], query)


def _gl_requests(forge: Forge, ids: list[Any], query: dict[str, str], _body: Any) -> tuple[int, Any]:
    number, base = forge.merged.get(ids[0], (None, ""))
    open_one = {"iid": 800, "state": "opened", "target_branch": "main"}
    row = {"iid": number, "state": "merged", "target_branch": base}
    return _page([open_one, *([] if number is None else [row])], query)


_PROJECT = f"/api/v4/projects/{PROJECT}"
_GITLAB = {
    r"GET /api/v4/user": _gl_user,
    rf"GET {_PROJECT}/merge_requests/(\d+)/notes": _gl_list,
    rf"POST {_PROJECT}/merge_requests/(\d+)/notes": _gl_note,
    rf"PUT {_PROJECT}/merge_requests/(\d+)/notes/(\d+)": _gl_edit_note,
    rf"GET {_PROJECT}/repository/commits": _gl_commits,
    rf"GET {_PROJECT}/repository/commits/([0-9a-f]{{40}})/merge_requests": _gl_requests,
    rf"GET {_PROJECT}/issues": _gl_issues,
    rf"POST {_PROJECT}/issues": _gl_open,
    rf"PUT {_PROJECT}/issues/(\d+)": _gl_edit_issue,
}


def _handler(forge: Forge) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def _handle(self) -> None:
            parts = urlsplit(self.path)
            query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            bearer = self.headers.get("Authorization", "").removeprefix("Bearer ")
            token = bearer or self.headers.get("PRIVATE-TOKEN", "")
            told = forge.answer(self.command, parts.path, query, json.loads(raw) if raw else None, token)
            body = json.dumps(told[1]).encode()
            self.send_response(told[0])
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PATCH = do_PUT = _handle  # noqa: N815 - the names http.server calls

        def log_message(self, *_: object) -> None:
            pass

    return Handler
