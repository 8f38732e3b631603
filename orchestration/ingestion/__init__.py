"""Landing: vendor files become immutable raw Parquet; one module per vendor."""
