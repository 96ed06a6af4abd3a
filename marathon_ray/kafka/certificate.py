"""The second listener of a local cluster: TLS with a certificate of its own, and SCRAM-SHA-512."""

from __future__ import annotations

from pathlib import Path

from marathon_ray.kafka import java
from marathon_ray.kafka.program import run

USER = "marathon"
MECHANISM = "SCRAM-SHA-512"
_KEYSTORE = "kafka.p12"
_CERTIFICATE = "kafka.pem"
_WITHIN = 60.0  # seconds for one call of keytool


def certificate(home: Path) -> Path:
    """Return where the certificate is that clients have to trust."""
    return home / _CERTIFICATE


def make(home: Path, password: str) -> None:
    """Create a key and a self-signed certificate for 127.0.0.1 and localhost, valid for ten years."""
    names = ["-ext", "san=ip:127.0.0.1,dns:localhost", "-ext", "bc:c=ca:true", "-dname", "CN=marathon-ray local Kafka"]
    key = ["-genkeypair", "-keyalg", "EC", "-groupname", "secp256r1", "-validity", "3650", *names]
    run([*_keytool(home, password), *key], within=_WITHIN)
    run([*_keytool(home, password), "-exportcert", "-rfc", "-file", str(certificate(home))], within=_WITHIN)


def _keytool(home: Path, password: str) -> list[str]:
    store = ["-keystore", str(home / _KEYSTORE), "-storetype", "PKCS12", "-storepass", password, "-alias", "kafka"]
    return [str(java.KEYTOOL), "-J-XX:TieredStopAtLevel=1", "-J-XX:+UseSerialGC", *store]


def broker_properties(home: Path, password: str) -> dict[str, str]:
    """Return what a broker needs for its listener SECURE."""
    login = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
    return {
        "listener.name.secure.ssl.keystore.type": "PKCS12",
        "listener.name.secure.ssl.keystore.location": str(home / _KEYSTORE),
        "listener.name.secure.ssl.keystore.password": password,
        "listener.name.secure.sasl.enabled.mechanisms": MECHANISM,
        f"listener.name.secure.{MECHANISM.lower()}.sasl.jaas.config": login,
    }


def client_properties(home: Path, password: str) -> dict[str, str]:
    """Return what librdkafka needs to log in."""
    return {
        "security.protocol": "SASL_SSL",
        "ssl.ca.location": str(certificate(home)),
        "sasl.mechanism": MECHANISM,
        "sasl.username": USER,
        "sasl.password": password,
    }


def scram_user(password: str) -> str:
    """Return the user as Kafka's storage tool takes it."""
    return f"{MECHANISM}=[name={USER},password={password}]"
