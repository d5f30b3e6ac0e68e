"""Readers of records: what people and machines look at."""
