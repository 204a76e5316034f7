"""Pages in a headless Chromium: one browser a session, a fresh context for each page."""

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
QUIETLY = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)


@pytest.fixture(scope="session")
def browser():
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        why = f"none of {', '.join(NAMES)} is on PATH; `make browser` installs one where it can"
        pytest.fail(why) if os.environ.get("CI") else pytest.skip(why)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=found, args=QUIETLY.split())
        yield launched
        launched.close()


@dataclass
class Watched:
    """An open page, and what it said and asked for."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def unfold(self) -> None:
        """Open everything, as a reader would by hand."""
        self.page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true })")


@pytest.fixture
def opened(browser: Browser, tmp_path: Path):
    """`opened(html)`: the page as a file that somebody opens."""
    contexts = []

    def show(html: str, *, scheme="light", scripts=True, width=1200) -> Watched:
        path = tmp_path / f"{len(contexts)}.html"
        path.write_text(html, encoding="utf-8")
        context = browser.new_context(
            color_scheme=scheme, java_script_enabled=scripts, viewport={"width": width, "height": 900}, offline=True
        )
        contexts.append(context)
        watched = Watched(context.new_page())
        watched.page.on("console", lambda message: watched.complaints.append(message.text))
        watched.page.on("pageerror", lambda error: watched.complaints.append(str(error)))
        watched.page.on("dialog", lambda dialog: watched.complaints.append(dialog.message))
        watched.page.on("request", lambda request: watched.requests.append(request.url))
        watched.page.goto(path.as_uri())
        return watched

    yield show
    for context in contexts:
        context.close()
