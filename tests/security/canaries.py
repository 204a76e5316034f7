"""Secrets that sing: planted in every input, and looked for in every form in everything that comes out."""

import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from html import escape
from pathlib import Path
from urllib.parse import quote, quote_plus

from support.command import Done, Project
from support.rival import AUTH, SECURITY_TOKEN, Asked, Rival

CLIENT_ID = "canary-Id+5150/="
CLIENT_SECRET = 'canary/Secret+2112="&%x'
TOKEN = "canary.Token-9b3f_Zq7~4xT0"
SIGNATURE = "canarySignature%2F77d1e0%3D"
PROXY_PASSWORD = "canary-Proxy-4711"
STORE_PASSWORD = "canary-Store-0815"
CACHE_KEY = "canary:Cache/Key+60 93"
CANARIES = (CLIENT_ID, CLIENT_SECRET, TOKEN, SIGNATURE, PROXY_PASSWORD, STORE_PASSWORD, CACHE_KEY, SECURITY_TOKEN)


def forms(secret: str) -> Iterator[str]:
    """A secret as it is, as text formats write it, and as it stands inside longer texts of base64 and hex."""
    data = secret.encode()
    yield from (secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1], escape(secret))
    yield from (repr(secret)[1:-1], data.hex())
    for shift in range(3):
        for encode in (b64encode, urlsafe_b64encode):
            whole = encode(b"." * shift + data).decode().rstrip("=")
            yield whole[4 if shift else 0 : len(whole) - 2]


FORMS = {form.lower(): secret for secret in CANARIES for form in forms(secret)}


def found_in(text: str) -> set[str]:
    """The canaries that sing in a text, whatever case it is in."""
    small = text.lower()
    return {secret for form, secret in FORMS.items() if form in small}


def assert_silent(done: Done, *places: Path) -> None:
    """No canary in what a command said, nor in any file below these folders."""
    assert found_in(done.out) == set(), f"{done.args} on stdout"
    assert found_in(done.err) == set(), f"{done.args} on stderr"
    for place in places:
        for path in place.rglob("*"):
            if path.is_file():
                assert found_in(path.read_bytes().decode("utf-8", errors="replace")) == set(), f"{done.args} in {path}"


class Hostile(Rival):
    """A server that was told our secrets, and repeats them where it likes.

    `echoes`: names of calls (`GET app publisherId`, `*`) and the status they are answered with. `shape` is how: in a
    `message`, in `html`, as `text`, or in an object of a `200`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.echoes: dict[str, int] = {}
        self.shape = "message"
        self._heard = ("", "")

    def answer(self, asked: Asked, bearer: str) -> tuple[int, bytes]:
        """As the rival does, or an echo."""
        if asked.path == AUTH:
            self._heard = asked.body["client_id"], asked.body["client_secret"]
        status = self.echoes.get(asked.name, self.echoes.get("*") if asked.path != AUTH else None)
        if status is None:
            return super().answer(asked, bearer)
        self.asked.append(asked)
        return status, self._echo(asked, bearer)

    def _token(self, body: dict[str, str]) -> tuple[int, bytes]:
        del body
        self._tokens.add(TOKEN)
        return 200, json.dumps({"accessToken": TOKEN, "tokenType": "bearer", "expiresIn": 3600}).encode()

    def _echo(self, asked: Asked, bearer: str) -> bytes:
        told = " ".join(self._gossip(asked, bearer))
        match self.shape:
            case "html":
                return f"<html><body>{escape(told)}</body></html>".encode()
            case "text":
                return told.encode()
            case "long":
                return json.dumps({"message": "x " * 240 + told}).encode()
            case "keys":
                return json.dumps({"unknown": told, bearer: 1, "errors": [{"detail": told}, told]}).encode()
            case _:
                return json.dumps({"message": told, "error": told, "rewardedAdSecurityToken": SECURITY_TOKEN}).encode()

    def _gossip(self, asked: Asked, bearer: str) -> Iterator[str]:
        pair = ":".join(self._heard)
        yield f"{asked.method} was refused: Authorization: Bearer {bearer}, body {json.dumps(asked.body)}"
        yield f"Basic {b64encode(pair.encode()).decode()} {b64encode(json.dumps(self._heard).encode()).decode()}"
        yield f"client_id={quote(self._heard[0], safe='')}&client_secret={quote_plus(self._heard[1])}"
        yield f"{self._heard[0]} {self._heard[1]} x{self._heard[1]}x {self._heard[1].upper()} {bearer.encode().hex()}"
        yield f"https://bucket.example/report.csv?X-Amz-Date=1&Signature={SIGNATURE} ?Signature={SIGNATURE}"
        yield f'{{"rewardedAdSecurityToken": "{SECURITY_TOKEN}"}} accessToken={bearer}'


MANIFEST = """
version: 1
apps:
  - platform: android
    bundle: com.cash_crash.54
    name: CashCrash
    category1: Finance
    coppa: false
    rewardedAdUrl: https://example.com/cb?user_id={{USER_ID}}&sig={{SIG}}
    placements:
      - {name: int_12, placementType: Interstitial, coppa: false, floorPrices: {US: 1.2}}
      - {name: int_13, placementType: Interstitial, coppa: false}
"""


def planted(project: Project, server: Hostile) -> Project:
    """The project with canaries in its environment, a manifest, and an account with something to change."""
    secret = {"DT_CLIENT_ID": CLIENT_ID, "DT_CLIENT_SECRET": CLIENT_SECRET, "RECONCILER_CACHE_KEY": CACHE_KEY}
    tmp = project.root / "tmp"
    tmp.mkdir(exist_ok=True)
    project.env |= {"DT_MANAGEMENT_URL": server.url, "TMPDIR": str(tmp), **secret}
    project.write("apps/a.yaml", MANIFEST)
    project.edit("reconciler.yaml", ("version: 1\n", "version: 1\nsafety: {settleSeconds: 0}\n"))
    app = server.add_app(name="CashCrash", bundle="com.cash_crash.54")
    server.add_placement(
        app, name="int_12", floorPrices=[{"country": "US", "price": 1}, {"country": "WW", "price": 0.01}]
    )
    return project
