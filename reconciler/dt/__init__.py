"""EDGE. The Management API: addresses and tokens, calls and their repetition, its spelling and ours."""
