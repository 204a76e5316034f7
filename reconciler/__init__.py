"""Waterfall as code: manifests in git, reconciled with a Digital Turbine account."""

__version__ = "0.1.0"
