"""The store categories by platform that the vendor is known to take; the lists may grow on its side."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files


@cache
def categories() -> Mapping[str, tuple[str, ...]]:
    """Category names by platform, spelled as the API wants them."""
    text = files("reconciler.manifest").joinpath("categories.json").read_text(encoding="utf-8")
    return {platform: tuple(names) for platform, names in json.loads(text).items()}
