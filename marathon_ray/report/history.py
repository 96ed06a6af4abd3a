"""The runs of a folder side by side, a row each, as their reports have them."""

from pathlib import Path
from typing import Any, Final, TypeAlias

from marathon_ray.report.report import NAME, Report

Row: TypeAlias = dict[str, Any]
_COUNTS: Final = ("attempted", "acknowledged", "lost", "duplicated", "disordered", "corrupt", "unknown", "unaudited")
_COLUMNS: Final = ("began", "scenario", "cluster", "outcome", "cause", "seconds", *_COUNTS, "broken", "run", "folder")


def history(results: str | Path = "results") -> Any:  # noqa: ANN401 - pandas need not be there
    """A row a run, by the time it began: a pandas.DataFrame where pandas is installed, else the `rows`."""
    found = rows(results)
    try:
        import pandas as pd  # noqa: PLC0415 - no run needs it
    except ModuleNotFoundError:
        return found
    return pd.DataFrame(found)


def rows(results: str | Path = "results") -> list[Row]:
    """Plain values by name: when it began (an aware time), scenario, cluster, outcome, cause, seconds, counts of records,
    the promises that were broken, and the folder. A run without a report has none; of one that cannot be read the cause
    says so, and the rest is None."""
    found = [_row(file) for file in sorted(Path(results).glob(f"*/{NAME}"))]
    readable = sorted((row for row in found if row["began"]), key=lambda row: row["began"])
    return [*(row for row in found if not row["began"]), *readable]


def _row(file: Path) -> Row:
    try:
        report = Report.read(file.parent)
    except (OSError, ValueError):
        why = "this is no report, or one of another version of marathon-ray"
        return {**dict.fromkeys(_COLUMNS), "run": file.parent.name, "cause": why, "folder": str(file.parent)}
    values = (
        report.began, report.scenario, report.cluster.get("name"), str(report.outcome), report.cause, report.seconds,
        *map(report.total, _COUNTS), tuple(verdict.promise for verdict in report.broken), report.run, str(file.parent),
    )  # fmt: skip
    return dict(zip(_COLUMNS, values, strict=True))
