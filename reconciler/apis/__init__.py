"""EDGE. The vendors' APIs that reports are fetched from: one module or package for each."""
