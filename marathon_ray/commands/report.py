"""``marathon report``: the few lines about a run that is over, once more."""

from pathlib import Path

from pydantic import ValidationError

from marathon_ray.commands.printing import show
from marathon_ray.outcome import EXIT
from marathon_ray.report import page, report
from marathon_ray.report.report import Report
from marathon_ray.report.summary import summary
from marathon_ray.usage import UsageError


def tell(run: str | None = None, /, *, results: Path = Path("results")) -> int:
    """Print the summary of a run that is over, and exit as it did.

    Parameters
    ----------
    run
        Its folder, or its number; without it, it is the newest.
    results
        The folder of all runs.
    """
    folder = _folder(run, results)
    try:
        found = Report.read(folder)
    except OSError as error:
        raise UsageError(f"run {folder}: it has no report: {error.strerror}") from None
    except ValidationError:
        raise UsageError(
            f"{folder / report.NAME}: this is no report, or one of another version of marathon-ray"
        ) from None
    file = folder / page.NAME
    show(summary(found, page=str(file) if file.is_file() else ""))
    return EXIT[found.outcome]


def _folder(run: str | None, results: Path) -> Path:
    if run is not None and Path(run).is_dir():
        return Path(run)
    ended = sorted(results.glob(f"*/{report.NAME}"), key=lambda file: file.stat().st_mtime)
    meant = [file.parent for file in ended if run is None or run in (file.parent.name, file.parent.name[-len(run) :])]
    if not meant:
        raise UsageError(f"run {run}: it is not in {results}" if run else f"results {results}: no run has ended there")
    return meant[-1]
