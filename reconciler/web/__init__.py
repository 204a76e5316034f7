"""EDGE. HTTP with a token, whichever vendor answers: origins, calls, tries and deadlines, bodies, their words."""
