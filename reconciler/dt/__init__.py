"""EDGE. The Management API: its address, calls and answers, its spelling and ours."""
