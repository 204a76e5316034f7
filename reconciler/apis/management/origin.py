"""PURE. The base URL of the Management API: its variable, an example, and its origin."""

from typing import Final

from reconciler.http.auth import UrlOrigin
from reconciler.http.auth import origin as named_origin

VARIABLE: Final = "DT_MANAGEMENT_URL"
EXAMPLE: Final = "https://console.fyber.com"


def origin(base_url: str) -> UrlOrigin:
    """The origin that a base URL of the Management API names. Raises `ProjectError`."""
    return named_origin(base_url, variable=VARIABLE, example=EXAMPLE)
