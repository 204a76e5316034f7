"""The Management API at a base URL."""

import random
from collections.abc import Callable
from typing import Final

import httpx

from reconciler.dt.origin import EXAMPLE, VARIABLE
from reconciler.dt.wire import calls
from reconciler.ports import Clock
from reconciler.web.auth import Credentials, Service
from reconciler.web.client import MOST, USUAL_POLICY, ApiClient
from reconciler.web.retry import RetryPolicy

MANAGEMENT: Final = Service(
    name="the Management API",
    variable=VARIABLE,
    example=EXAMPLE,
    keys="check DT_CLIENT_ID and DT_CLIENT_SECRET: the keys under Management API in the console's user profile",
    token=calls.token,
)


class DtClient(ApiClient):
    """Calls of the Management API; see `ApiClient`. `read_only`: no write can leave, whoever asks for it."""

    def __init__(  # noqa: PLR0913 - what a test has of its own, by name
        self,
        base_url: str,
        credentials: Credentials,
        *,
        clock: Clock,
        patience: RetryPolicy = USUAL_POLICY,
        transport: Callable[[], httpx.BaseTransport] | None = None,
        read_only: bool = False,
        parallelism: int = MOST,
        chance: Callable[[], float] = random.random,
    ) -> None:
        super().__init__(
            MANAGEMENT,
            base_url,
            credentials,
            clock=clock,
            patience=patience,
            transport=transport,
            read_only=read_only,
            parallelism=parallelism,
            chance=chance,
        )
