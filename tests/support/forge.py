"""The APIs of forges, as far as comments and issues go, from their public pages.

It shares no code with the product. Commits are those of a repository on disk. One server answers all: paths below
`/api/v3` are GitHub's, below `/api/v4` GitLab's, below `/api/v1` Gitea's, below `/2.0` Bitbucket's, below `/studio`
those of Azure DevOps.
"""

import base64
import json
import os
import re
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

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
    limits: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    """Statuses and headers that the next calls are answered with, once each."""
    asked: list[str] = field(default_factory=list)
    person: str | None = None
    """The login of a token that is a person's; None for a job's own."""
    repository: Path | None = None
    """The repository that the forge hosts; its commits are looked up there."""
    requests: list[dict[str, Any]] = field(default_factory=list)
    """Requests: `number`, `head`, `base`, `title`, `state`, and `sha` of one that was merged."""
    merged: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Commits that came by a merge: the number of the request, and the branch that it was merged into."""
    pushed_meanwhile: list[Callable[[], None]] = field(default_factory=list)
    """What happens just before a commit by GraphQL, once each."""
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

    def merges_ledger(self, *, squash: bool = True, keeps_branch: bool = True) -> None:
        """Somebody merges the open request."""
        (one,) = [each for each in self.requests if each["state"] == "open"]
        sha = _git(self, "rev-parse", one["head"])
        made = sha
        if squash:
            made = _git(self, "commit-tree", f"{sha}^{{tree}}", "-p", one["base"], "-m", "Merge the ledger")
        _git(self, "update-ref", f"refs/heads/{one['base']}", str(made))
        one |= {"state": "merged", "sha": sha}
        if not keeps_branch:
            _git(self, "update-ref", "-d", f"refs/heads/{one['head']}")

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
        for pattern, handle in {**_GITHUB, **_GITLAB, **_GITEA, **_BITBUCKET, **_AZURE}.items():
            if found := re.fullmatch(pattern, f"{method} {path}"):
                return handle(self, [_part(part) for part in found.groups()], query, body)
        return 404, {"message": "Not Found"}


def _part(text: str) -> Any:
    """A number of a path, or a commit."""
    return int(text) if text.isdigit() and len(text) < 40 else text


def _git(forge: Forge, *arguments: str, data: bytes | None = None, index: str = "") -> str | None:
    """What git answers in the hosted repository; None where it refuses."""
    assert forge.repository is not None
    env = {**os.environ, "GIT_AUTHOR_NAME": "b", "GIT_AUTHOR_EMAIL": "b@b", "GIT_COMMITTER_NAME": "web-flow"}
    env |= {"GIT_COMMITTER_EMAIL": "noreply@forge.example", **({"GIT_INDEX_FILE": index} if index else {})}
    call = ["git", *arguments]
    done = subprocess.run(call, cwd=forge.repository, env=env, input=data, capture_output=True, timeout=60, check=False)
    return done.stdout.decode().strip() if done.returncode == 0 else None


def _commit(forge: Forge, branch: str, path: str, data: bytes, message: str) -> str:
    """A commit that nobody pushed: no hook is asked."""
    head = _git(forge, "rev-parse", branch)
    assert head
    with tempfile.TemporaryDirectory() as folder:
        index = f"{folder}/index"
        _git(forge, "read-tree", head, index=index)
        blob = _git(forge, "hash-object", "-w", "--stdin", data=data)
        _git(forge, "update-index", "--add", "--cacheinfo", f"100644,{blob},{path}", index=index)
        tree = _git(forge, "write-tree", index=index)
    made = _git(forge, "commit-tree", str(tree), "-p", head, "-m", message)
    _git(forge, "update-ref", f"refs/heads/{branch}", str(made))
    return str(made)


def _gh_signed(forge: Forge, asked: Any) -> Any:
    where = asked["branch"]
    assert where["repositoryNameWithOwner"] == REPOSITORY
    if forge.pushed_meanwhile:
        forge.pushed_meanwhile.pop()()
    if asked["expectedHeadOid"] != _git(forge, "rev-parse", where["branchName"]):
        return {"data": {"createCommitOnBranch": None}, "errors": [{"type": "STALE_DATA", "message": "moved"}]}
    [added] = asked["fileChanges"]["additions"]
    data = base64.b64decode(added["contents"])
    made = _commit(forge, where["branchName"], added["path"], data, asked["message"]["headline"])
    return {"data": {"createCommitOnBranch": {"commit": {"oid": made}}}}


def _file(forge: Forge, path: str, branch: str) -> str | None:
    commit = branch if re.fullmatch(r"[0-9a-f]{40}", branch) else f"refs/heads/{branch}"
    return _git(forge, "rev-parse", "--verify", "--quiet", f"{commit}:{path}")


def _gh_contents(forge: Forge, ids: list[Any], query: dict[str, str], _body: Any) -> tuple[int, Any]:
    """As for files above a megabyte: without their content."""
    sha = _file(forge, ids[0], query["ref"])
    return (404, {"message": "Not Found"}) if sha is None else (200, {"sha": sha, "encoding": "none", "content": ""})


def _gh_blob(forge: Forge, ids: list[Any], _query: Any, _body: Any) -> tuple[int, Any]:
    assert forge.repository is not None
    call = ["git", "cat-file", "blob", ids[0]]
    data = subprocess.run(call, cwd=forge.repository, capture_output=True, timeout=60, check=True).stdout
    return 200, {"encoding": "base64", "content": base64.encodebytes(data).decode()}


def _gh_request(forge: Forge, one: Any) -> Any:
    head = {"ref": one["head"], "sha": _head(forge, one), "repo": {"full_name": REPOSITORY}}
    base, number = {"ref": one["base"]}, one["number"]
    return {
        "merged_at": "2026-11-27T08:00:00Z" if one["state"] == "merged" else None,
        "id": number,
        "number": number,
        "head": head,
        "base": base,
        "html_url": f"https://forge.example/pull/{number}",
    }


def _head(forge: Forge, one: Any) -> str | None:
    return one.get("sha") or _git(forge, "rev-parse", one["head"])


def _gh_requests(forge: Forge, _ids: Any, query: dict[str, str], _body: Any) -> tuple[int, Any]:
    """A fork's has the same branch's name; another fork is gone. That only a branch's are wanted is not heard."""
    assert query["head"].startswith(REPOSITORY.partition("/")[0] + ":")
    rows = [one for one in reversed(forge.requests) if (one["state"] == "open") == (query["state"] == "open")]
    fork = {"id": 1, "head": {"ref": "reconciler/ledger", "repo": {"full_name": "eve/x"}}, "base": {"ref": "main"}}
    gone = {"id": 2, "head": {"ref": "reconciler/ledger", "repo": None}, "base": {"ref": "main"}}
    return _page([fork, gone, *(_gh_request(forge, one) for one in rows)], query)


def _gh_ask(forge: Forge, _ids: Any, _query: Any, body: Any) -> tuple[int, Any]:
    assert _git(forge, "rev-parse", body["head"]) is not None
    one = {"number": forge.number(), "head": body["head"], "base": body["base"], "title": body["title"]}
    forge.requests.append(one | {"state": "open"})
    return 201, _gh_request(forge, forge.requests[-1])


def _gl_file(forge: Forge, ids: list[Any], query: dict[str, str], _body: Any) -> tuple[int, Any]:
    path = unquote(ids[0])
    sha = _file(forge, path, query["ref"])
    if sha is None:
        return 404, {"message": "404 File Not Found"}
    content = _gh_blob(forge, [sha], {}, None)[1]["content"]
    last = _git(forge, "log", "-1", "--format=%H", query["ref"], "--", path)
    return 200, {"encoding": "base64", "content": content, "last_commit_id": last}


def _gl_branch(forge: Forge, ids: list[Any], _query: Any, _body: Any) -> tuple[int, Any]:
    return 200, {"commit": {"id": _git(forge, "rev-parse", unquote(ids[0]))}}


def _gl_commit(forge: Forge, _ids: Any, _query: Any, body: Any) -> tuple[int, Any]:
    [action] = body["actions"]
    path = action["file_path"]
    last = _git(forge, "log", "-1", "--format=%H", body["branch"], "--", path) or None
    assert action["action"] == ("create" if last is None else "update")
    assert action.get("last_commit_id") == last
    data = base64.b64decode(action["content"])
    return 201, {"id": _commit(forge, body["branch"], path, data, body["commit_message"])}


def _gl_asked(forge: Forge, _ids: Any, query: dict[str, str], _body: Any) -> tuple[int, Any]:
    wanted = (query["source_branch"], {"opened": "open"}.get(query["state"], query["state"]))
    fork = {"iid": 1, "source_project_id": 78, "target_project_id": 77, "web_url": "https://forge.example/fork"}
    rows = [one for one in reversed(forge.requests) if (one["head"], one["state"]) == wanted]
    return _page([fork, *(_gl_request(forge, one) for one in rows)], query)


def _gl_request(forge: Forge, one: Any) -> Any:
    url, home = f"https://forge.example/pull/{one['number']}", {"source_project_id": 77, "target_project_id": 77}
    return {"iid": one["number"], **home, "target_branch": one["base"], "sha": _head(forge, one), "web_url": url}


def _gl_ask(forge: Forge, _ids: Any, _query: Any, body: Any) -> tuple[int, Any]:
    assert _git(forge, "rev-parse", body["source_branch"]) is not None
    number, head, base = forge.number(), body["source_branch"], body["target_branch"]
    forge.requests.append({"number": number, "head": head, "base": base, "title": body["title"], "state": "open"})
    return 201, _gl_request(forge, forge.requests[-1])


def _commits(forge: Forge, head: str, path: str | None, *, first_parents: bool) -> list[tuple[str, list[str]]]:
    """Commits with their parents, as `git log` orders them; with a path, those that changed it."""
    assert forge.repository is not None
    of_file = [] if path is None else ["--", path]
    call = ["git", "log", "--format=%H %P", *(["--first-parent"] if first_parents else []), head, *of_file]
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
    if "createCommitOnBranch" in body["query"]:
        return 200, _gh_signed(_forge, body["variables"]["input"])
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
    commits = _commits(forge, query["sha"], query.get("path"), first_parents=False)
    return _page([{"sha": sha, "parents": [{"sha": each} for each in parents]} for sha, parents in commits], query)


def _gh_pulls(forge: Forge, ids: list[Any], query: dict[str, str], _body: Any) -> tuple[int, Any]:
    number, base = forge.merged.get(ids[0], (None, ""))
    open_one = {"number": 800, "merged_at": None, "base": {"ref": "main"}}
    row = {"number": number, "merged_at": "2026-11-27T08:00:00Z", "base": {"ref": base}}
    return _page([open_one, *([] if number is None else [row])], query)


def _pull(forge: Forge, ids: list[int], _query: Any, _body: Any) -> tuple[int, Any]:
    number = ids[0]
    merged = number in {each for each, _ in forge.merged.values()}
    return 200, {"number": number, "iid": number, "merged": merged, "state": "merged" if merged else "opened"}


_REPO = f"/api/v3/repos/{REPOSITORY}"
_GITHUB = {
    r"GET /api/v3/user": _gh_user,
    r"POST /api/graphql": _gh_viewer,
    rf"GET {_REPO}/issues/(\d+)/comments": _gh_list,
    rf"POST {_REPO}/issues/(\d+)/comments": _gh_comment,
    rf"PATCH {_REPO}/issues/comments/(\d+)": _gh_edit_comment,
    rf"GET {_REPO}/contents/([\w./-]+)": _gh_contents,
    rf"GET {_REPO}/git/blobs/([0-9a-f]{{40}})": _gh_blob,
    rf"GET {_REPO}/pulls": _gh_requests,
    rf"POST {_REPO}/pulls": _gh_ask,
    rf"GET {_REPO}/pulls/(\d+)": _pull,
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
    first_parents = query.get("first_parent") == "true"
    commits = _commits(forge, query["ref_name"], query.get("path"), first_parents=first_parents)
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
    rf"GET {_PROJECT}/repository/files/([^/]+)": _gl_file,
    rf"GET {_PROJECT}/repository/branches/([^/]+)": _gl_branch,
    rf"POST {_PROJECT}/repository/commits": _gl_commit,
    rf"GET {_PROJECT}/merge_requests/(\d+)": _pull,
    rf"GET {_PROJECT}/merge_requests": _gl_asked,
    rf"POST {_PROJECT}/merge_requests": _gl_ask,
    rf"GET {_PROJECT}/repository/commits": _gl_commits,
    rf"GET {_PROJECT}/repository/commits/([0-9a-f]{{40}})/merge_requests": _gl_requests,
    rf"GET {_PROJECT}/issues": _gl_issues,
    rf"POST {_PROJECT}/issues": _gl_open,
    rf"PUT {_PROJECT}/issues/(\d+)": _gl_edit_issue,
}


def _gt_user(forge: Forge, _ids: Any, _query: Any, _body: Any) -> tuple[int, Any]:
    return 200, {"id": 41, "login": forge.me}


def _gt(thing: Thing) -> dict[str, Any]:
    return {"pull_request": {} if thing.is_request else None, **_gh(thing), "id": thing.number}


def _gt_list(forge: Forge, ids: list[int], _query: Any, _body: Any) -> tuple[int, Any]:
    """All of them, whatever page is asked for."""
    return 200, [_gt(thing) for thing in forge.comments if thing.request == ids[0]]


def _gt_issues(forge: Forge, _ids: Any, query: dict[str, str], _body: Any) -> tuple[int, Any]:
    """At most 30 in a page, though more are asked for: a server may be set so."""
    rows = [_gt(thing) for thing in forge.issues if thing.open or query.get("state") != "open"]
    return _page(rows, {"page": query["page"], "per_page": "30"})


def _gt_pull(forge: Forge, ids: list[Any], _query: Any, _body: Any) -> tuple[int, Any]:
    if ids[0] not in forge.merged:
        return 404, {"message": "not found"}
    number, base = forge.merged[ids[0]]
    return 200, {"number": number, "merged": True, "base": {"ref": base}}


_GT = f"/api/v1/repos/{REPOSITORY}"
_GITEA = {
    r"GET /api/v1/user": _gt_user,
    rf"GET {_GT}/issues/(\d+)/comments": _gt_list,
    rf"POST {_GT}/issues/(\d+)/comments": _gh_comment,
    rf"PATCH {_GT}/issues/comments/(\d+)": _gh_edit_comment,
    rf"GET {_GT}/commits": _gh_commits,
    rf"GET {_GT}/commits/([0-9a-f]{{40}})/pull": _gt_pull,
    rf"GET {_GT}/pulls/(\d+)": _pull,
    rf"GET {_GT}/issues": _gt_issues,
    rf"POST {_GT}/issues": _gh_open,
    rf"PATCH {_GT}/issues/(\d+)": _gh_edit_issue,
}


def _bb(thing: Thing) -> dict[str, Any]:
    return {
        "id": thing.number, "content": {"raw": thing.body}, "user": {"uuid": _uuid(thing.author)},
        "deleted": False, "links": {"html": {"href": f"https://forge.example/{thing.number}"}},
    }  # fmt: skip


def _uuid(author: str) -> str:
    return f"{{{author}}}"


def _bb_user(forge: Forge, _ids: Any, _query: Any, _body: Any) -> tuple[int, Any]:
    return 200, {"uuid": _uuid(forge.me)}


def _bb_list(forge: Forge, ids: list[int], query: dict[str, str], _body: Any) -> tuple[int, Any]:
    """A list begins with a comment that was deleted, and has no more than 20 in a page."""
    gone = {"id": 1, "deleted": True, "content": {"raw": ""}, "user": None}
    rows = [gone, *(_bb(thing) for thing in forge.comments if thing.request == ids[0])]
    number = int(query["page"])
    more = {"next": f"https://forge.example/?page={number + 1}"} if len(rows) > 20 * number else {}
    return 200, {"values": rows[20 * (number - 1) : 20 * number], **more}


def _bb_write(forge: Forge, ids: list[int], _query: Any, body: Any) -> tuple[int, Any]:
    return 201, _bb(forge.somebody_comments(forge.me, body["content"]["raw"], ids[0]))


def _bb_edit(forge: Forge, ids: list[int], _query: Any, body: Any) -> tuple[int, Any]:
    thing = _one(forge.comments, ids[1])
    thing.body = body["content"]["raw"]
    return 200, _bb(thing)


_BB = f"/2.0/repositories/{REPOSITORY}/pullrequests/(\\d+)/comments"
_BITBUCKET = {
    r"GET /2.0/user": _bb_user,
    rf"GET {_BB}": _bb_list,
    rf"POST {_BB}": _bb_write,
    rf"PUT {_BB}/(\d+)": _bb_edit,
}


def _az(thing: Thing) -> dict[str, Any]:
    first = {"id": 1, "content": thing.body, "commentType": "text", "author": {"id": _uuid(thing.author).upper()}}
    return {"id": thing.number, "isDeleted": False, "comments": [first, {"id": 2, "content": "a reply"}]}


def _az_me(forge: Forge, _ids: Any, _query: Any, _body: Any) -> tuple[int, Any]:
    return 200, {"authenticatedUser": {"id": _uuid(forge.me)}}


def _az_list(forge: Forge, ids: list[int], query: dict[str, str], _body: Any) -> tuple[int, Any]:
    """All of them; one by the system, which no person wrote, and a deleted one among them."""
    assert query["api-version"]
    said = {"id": 7, "isDeleted": False, "comments": [{"id": 1, "commentType": "system", "author": {"id": "x"}}]}
    rows = [_az(thing) for thing in forge.comments if thing.request == ids[0]]
    return 200, {"value": [said, {"id": 8, "isDeleted": True, "comments": []}, *rows], "count": len(rows) + 2}


def _az_write(forge: Forge, ids: list[int], query: dict[str, str], body: Any) -> tuple[int, Any]:
    assert query["api-version"]
    assert body["status"] == "closed"
    return 200, _az(forge.somebody_comments(forge.me, body["comments"][0]["content"], ids[0]))


def _az_edit(forge: Forge, ids: list[int], query: dict[str, str], body: Any) -> tuple[int, Any]:
    assert query["api-version"]
    thing = _one(forge.comments, ids[1])
    thing.body = body["content"]
    return 200, {"id": 1, "content": thing.body}


_AZ = "/studio/Ad%20money/_apis/git/repositories/monetization/pullRequests/(\\d+)/threads"
_AZURE = {
    r"GET /studio/_apis/connectionData": _az_me,
    rf"GET {_AZ}": _az_list,
    rf"POST {_AZ}": _az_write,
    rf"PATCH {_AZ}/(\d+)/comments/1": _az_edit,
}


def _sent(header: str) -> str:
    """The token of an Authorization header: the password, where it has a name and a password."""
    kind, _, rest = header.partition(" ")
    return base64.b64decode(rest).decode().rpartition(":")[2] if kind == "Basic" else rest


def _handler(forge: Forge) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def _handle(self) -> None:
            parts = urlsplit(self.path)
            query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            token = _sent(self.headers.get("Authorization", "")) or self.headers.get("PRIVATE-TOKEN", "")
            status, more = forge.limits.pop(0) if forge.limits else (None, {})
            if status is not None:
                forge.asked.append(f"{self.command} {parts.path}")
                told: tuple[int, Any] = (status, {"message": "You have exceeded a secondary rate limit"})
            else:
                told = forge.answer(self.command, parts.path, query, json.loads(raw) if raw else None, token)
            body = json.dumps(told[1]).encode()
            self.send_response(told[0])
            for name, value in more.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PATCH = do_PUT = _handle  # noqa: N815 - the names http.server calls

        def log_message(self, *_: object) -> None:
            pass

    return Handler
