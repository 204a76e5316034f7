"""Versions of the tables, oldest first, carried out by Alembic.

A version that has been published is never edited. It only adds: a run of an older program may be going on.
"""
