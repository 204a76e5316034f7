"""Numbers of things."""


def counted(number: int, noun: str) -> str:
    """A number of things: 1 error, 2 errors."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
