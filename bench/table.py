"""Figures as the tables of this bench show them."""

from collections.abc import Iterable


def seconds(value: float) -> str:
    return f"{value:.3f}"


def ratio(value: float, floor: float) -> str:
    return f"{value / floor:.2f}x" if value < 10 * floor else f"{value / floor:.0f}x"


def show(title: str, rows: Iterable[tuple[str, ...]], *headings: str) -> None:
    """Print a table in Markdown, each row as soon as it is there."""
    print(f"\n| {title} | {' | '.join(headings)} |")
    print("|---" * (len(headings) + 1) + "|", flush=True)
    for row in rows:
        print(f"| {' | '.join(row)} |", flush=True)
