"""The tracking audit: measurement plan to expectation suites, findings and the report."""
