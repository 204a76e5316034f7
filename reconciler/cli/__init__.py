"""EDGE. Commands, the environment, and the console."""
