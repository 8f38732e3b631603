"""Links that are probable, not certain: an opt-in beside the identity graph, never in it.

`settings` reads what is compared and how; `matching` scores pairs of records with splink, which is
imported there alone; `grouping` says what thresholds and reviewers' decisions make of scored pairs;
`store` keeps both in the home; `assets` is their place in the run; `commands` is the review list.
Certain identifiers keep their word throughout: nothing here changes a customer id.
"""
