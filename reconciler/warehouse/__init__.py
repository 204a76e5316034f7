"""EDGE. The reports that were fetched or imported: stored as Parquet files, and queried for evidence."""
