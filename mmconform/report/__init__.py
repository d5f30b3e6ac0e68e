"""Readers of the record, one for each format: from the contract, the records and the known deviations to text."""
