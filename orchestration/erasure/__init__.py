"""Erasure of a person: from the raw zone, the warehouse, what is published and what is reported.

What belongs here: who the person is (`person`), what is put in the place of identifiers
(`pseudonyms`), which rows of the raw zone are the person's and what is left of them (`raw_rows`),
the proof that nothing else is left (`search`), and the order of it all, which may be killed at any
moment (`erase`). What a column tells of somebody is declared by its vendor
(`orchestration.ingestion.specs.People`), nowhere here.
"""
