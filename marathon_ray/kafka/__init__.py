"""Kafka clusters under test: the contract, and a real local cluster made from Python alone."""
