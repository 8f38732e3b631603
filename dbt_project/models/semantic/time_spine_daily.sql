{{ days_between("date '2000-01-01'", "date '2040-12-31'") }}
