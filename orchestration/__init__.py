"""Dagster orchestration: ingestion, transformation, audit, publication and the command line."""
