"""One module per vendor: `prepare` puts its flat export tables, `write` writes its files.

Between the two, `defects` damages the flat tables, so that truth and files cannot part.
"""
