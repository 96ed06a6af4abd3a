"""A continuous test platform for Kafka-compatible clusters that proves record by record what was kept."""
