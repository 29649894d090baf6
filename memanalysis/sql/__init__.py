"""The study's relations in DuckDB: loading them, describing them, querying them safely.

The one place of the package that imports duckdb.
"""
