"""What touches the target: the data plane, as plain objects that know nothing of Ray."""
