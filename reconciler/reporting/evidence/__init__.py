"""EDGE. Evidence from elsewhere: mediation reports of other platforms and tables of a warehouse, read and kept."""
