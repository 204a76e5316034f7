"""EDGE. Reports: fetched from both vendors, kept as Parquet files, and asked for evidence."""
