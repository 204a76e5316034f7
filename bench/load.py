"""Load, validate, expand, lint and diff the generated project, in one process; stage by stage as the program runs them.

Then load it again as commands do, with a cache: empty, then full.

`python bench/load.py FOLDER` prints CPU seconds for each stage as JSON.
"""

import gc
import json
import shutil
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import orjson
from generate import app

from reconciler.diff.change import InSync, Remember
from reconciler.diff.changes import verdicts_on
from reconciler.diff.context import DiffOptions
from reconciler.files.project import STATE_FOLDER, ProjectFiles, find_project, read_manifests
from reconciler.manifest.assemble import Loaded
from reconciler.manifest.cached_load import load_desired_cached, load_settings_cached
from reconciler.manifest.decode import decode
from reconciler.manifest.load import ManifestText, load_desired, load_settings
from reconciler.manifest.models import ManifestDocument
from reconciler.manifest.parsed_manifest import FindingCollector, Reporter
from reconciler.model.state import DesiredState, LiveResource, LiveState
from reconciler.store.seal import Cache
from reconciler.yaml.parse import parse
from reconciler.yaml.scalar import PlainScalars

T = TypeVar("T")


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """CPU seconds, and what came of the work."""
    gc.collect()
    begun = time.process_time()
    made = work()
    return time.process_time() - begun, made


def parsed(texts: list[ManifestText]) -> list:
    scalars = PlainScalars()
    return [(text, parse(text, scalars).documents) for text in texts]


def decoded(documents: list) -> list:
    report = FindingCollector()
    return [decode(ManifestDocument, part, Reporter(report, text.file)) for text, parts in documents for part in parts]


def without_collector(work: Callable[[], T]) -> Callable[[], T]:
    """As commands load."""

    def paused() -> T:
        gc.disable()
        try:
            return work()
        finally:
            gc.enable()

    return paused


def same_live(desired: DesiredState) -> LiveState:
    """The account that is just as declared."""
    apps = [LiveResource("app", str(number), block.fields) for number, block in enumerate(desired.apps)]
    placements = {
        live.id: tuple(
            LiveResource("placement", f"{live.id}-{index}", part.fields, live.id)
            for index, part in enumerate(block.placements or ())
        )
        for live, block in zip(apps, desired.apps, strict=True)
    }
    return LiveState(tuple(apps), placements)


def recalled(project: ProjectFiles, texts: list[ManifestText]) -> Loaded:
    """As a command that remembers: settings and manifests, the cache opened and saved."""
    cache = Cache(project.root / STATE_FOLDER / "cache")
    outline, _ = load_settings_cached(project.settings, cache)
    assert outline is not None
    loaded = load_desired_cached(outline, project.settings, texts, cache)
    cache.save()
    return loaded


def main() -> None:
    folder = Path(sys.argv[1])
    project = find_project(folder, None)
    settings, _ = load_settings(project.settings)
    assert settings is not None
    texts = read_manifests(project.root, settings.manifests)
    as_json = json.dumps([app(number, 20) for number in range(len(texts))]).encode()

    json_seconds, _ = timed(lambda: orjson.loads(as_json))
    load_seconds, loaded = timed(without_collector(lambda: load_desired(settings, project.settings, texts)))
    desired = loaded.state
    assert desired is not None, loaded.findings[:3]
    live, options = same_live(desired), DiffOptions(datetime.now(UTC))
    diff_seconds, found = timed(lambda: verdicts_on(desired, live, {}, options))
    others = [each for each in found if not isinstance(each, InSync | Remember)]
    assert not others, others[:3]
    assert len(found) >= len(texts) * 21
    parse_seconds, documents = timed(without_collector(lambda: parsed(texts)))
    decode_seconds, _ = timed(without_collector(lambda: decoded(documents)))

    shutil.rmtree(project.root / STATE_FOLDER, ignore_errors=True)
    first_seconds, first = timed(without_collector(lambda: recalled(project, texts)))
    warm_seconds, again = timed(without_collector(lambda: recalled(project, texts)))
    assert first == again == loaded

    rest = load_seconds - parse_seconds - decode_seconds
    stages = {"json": json_seconds, "parse": parse_seconds, "validate": decode_seconds, "expand": rest}
    loads = {"load": load_seconds, "first": first_seconds, "warm": warm_seconds}
    print(json.dumps({**stages, **loads, "diff": diff_seconds}))


if __name__ == "__main__":
    main()
