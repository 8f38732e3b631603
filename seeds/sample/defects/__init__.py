"""Defects, planted on purpose and written down: what, where, when, which rows.

Each function damages tables and records the same rows in the ledger, in one place, so that the two
cannot part. Nothing here is shared with the audit that must find it.
"""
