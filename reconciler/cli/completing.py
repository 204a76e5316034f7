"""What a shell is told while somebody types: addresses from the manifests. Nothing here asks an account."""

from pathlib import Path

import click

from reconciler.errors import ReconcilerError


def addresses(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Addresses that the project's manifests declare; none, and no word, where they cannot be read."""
    del param
    from reconciler.manifest.load import load_settings  # noqa: PLC0415
    from reconciler.manifest.settings_models import SettingsDocument  # noqa: PLC0415
    from reconciler.manifest.sites import addresses_in  # noqa: PLC0415 - most calls complete nothing
    from reconciler.project import find_manifests, find_project  # noqa: PLC0415

    given = ctx.params.get("project") or ctx.find_root().params.get("project")
    try:
        project = find_project(Path.cwd(), Path(given) if given else None)
        settings, _ = load_settings(project.settings)
        usual = SettingsDocument.model_fields["manifests"].default
        texts = find_manifests(project.root, settings.manifests if settings else usual).texts
    except (ReconcilerError, OSError):
        return []
    return list(addresses_in(texts, incomplete))
