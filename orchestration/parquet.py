"""How Parquet files are written, those of the raw zone and those that are published."""

# The lightest level: hashes and keys, most of a file, do not compress at any.
# And no dictionary is begun for columns that would outgrow it, as DuckDB's would by default only
# after a fifth of the rows: the files are as small without.
PARQUET = "format parquet, compression zstd, compression_level 1, dictionary_size_limit 1000"
