"""What a paced writer costs while its cluster is slow to answer, with what waits in the writer and, for comparison, in librdkafka.

python -m benchmarks.answers --seconds 5
"""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from unittest.mock import patch

from actors import latency
from actors.deferral import Deferral
from benchmarks.meter import Meter, threads
from tests.loading import Load
from tests.scripted_kafka import ScriptedKafka

_ANSWERS = (0.0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.3)  # seconds
_RATES = (1_000, 20_000)  # records of 100 B a second, to four partitions of one broker
_BROKERS = "rdk:broker"  # the threads that hold connections
_HEAD = "answer   records/s  waits in      core    its threads to brokers    response p50      p99"


@contextmanager
def _nothing_kept() -> Iterator[None]:
    with patch.object(Deferral, "keeps", lambda *_: False):
        yield


def measured(rate: int, answer: float, seconds: float) -> str:
    """The rest of a line: a writer at work on the mock of librdkafka, for so long."""
    with ScriptedKafka() as mock:
        load = Load(mock, mock.topic("answers"), rate=f"{rate} records/s").until(rate // 10)
        mock.slow(answer)
        load.rig.run(0.5 + 3 * answer, every=0.05)
        parts, meter, before = len(load.parts), Meter(), threads(_BROKERS)
        load.rig.run(seconds, every=0.05)
        spent, of_them = meter.sample(0), threads(_BROKERS) - before
        told = [part.latencies["response"] for part in load.parts[parts:] if "response" in part.latencies]
        mock.slow(0)
        load.retire()
    p50, p99 = (latency.percentile(latency.merged(told), share) / 1000 for share in (0.5, 0.99))
    return f"{spent.cpu / spent.wall:8.1%} {of_them / spent.wall:25.1%} {p50:12.1f} ms {p99:5.1f} ms"


def main() -> None:
    """Print a line for each answer time, rate and place to wait in."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.answers", description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5.0)
    seconds = parser.parse_args().seconds
    print(_HEAD)
    for answer, rate in product(_ANSWERS, _RATES):
        head = f"{answer * 1000:3.0f} ms {rate:12,}"
        print(f"{head}  the writer {measured(rate, answer, seconds)}", flush=True)
        with _nothing_kept():
            print(f"{head}  librdkafka {measured(rate, answer, seconds)}", flush=True)


if __name__ == "__main__":
    main()
