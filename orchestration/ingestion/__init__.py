"""Landing: vendor files become immutable raw Parquet (landing.py); vendors are in ``vendors``."""
