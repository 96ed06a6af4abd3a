"""``python -m marathon_ray.report.schema FILE``: write what a report is, as JSON schema."""

import json
import sys
from pathlib import Path

from marathon_ray.report.report import Report


def schema() -> str:
    """The JSON schema of a report, as text."""
    return json.dumps(Report.model_json_schema(mode="serialization"), indent=1) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(schema())
