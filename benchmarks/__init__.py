"""What the data plane costs beside the usual tools: `python -m benchmarks` measures it and writes README.md."""
