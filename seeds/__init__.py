"""Reference tables, the measurement plan and the sample-data generator."""
