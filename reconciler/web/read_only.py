"""A transport that lets reads through and nothing else, so that a program that must not write cannot."""

import httpx


class WriteAttempted(RuntimeError):
    """Something tried to write where nothing may be written: a bug of ours, so not an error that users could mend."""


class ReadOnlyTransport(httpx.BaseTransport):
    """Passes on GET, and POST to the one path where tokens are given out.

    Raises `WriteAttempted` for any other request, before a connection is even made.
    """

    def __init__(self, inner: httpx.BaseTransport, token_path: str) -> None:
        self._inner = inner
        self._token_path = token_path

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer to a read, or to the call for a token."""
        asks_for_token = request.method == "POST" and request.url.raw_path == self._token_path.encode()
        if request.method != "GET" and not asks_for_token:
            raise WriteAttempted(f"{request.method} {request.url.path} over a transport that only reads")
        return self._inner.handle_request(request)

    def close(self) -> None:
        """Close what is underneath."""
        self._inner.close()
