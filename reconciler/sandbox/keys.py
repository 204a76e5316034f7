"""Which credentials the sandbox takes, for all three APIs alike."""

from dataclasses import dataclass, field
from typing import Final

REFUSED_SECRET: Final = "wrong"  # noqa: S105 - the one secret that is no good, for rehearsing a bad credential


@dataclass(frozen=True, slots=True)
class Keys:
    """`only` is the one pair of client id and secret that is taken; None takes any but the secret `wrong`."""

    only: tuple[str, str] | None = field(default=None, repr=False)

    def fit(self, client_id: object, client_secret: object) -> bool:
        """Whether this pair is taken."""
        if not all(isinstance(part, str) and part for part in (client_id, client_secret)):
            return False
        return client_secret != REFUSED_SECRET and self.only in {None, (client_id, client_secret)}
