"""TLS of gRPC servers and clients: certificates from files; a server's are read again when the files change."""

import os
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import cast

import grpc

from services.core.errors import InvalidInput
from services.runtime import telemetry
from services.runtime.settings import SYSTEM_CA, ClientSettings, ServerSettings

_log = telemetry.log(__name__)


def server_credentials(settings: ServerSettings) -> grpc.ServerCredentials | None:
    """What a server shows and asks for; None for plain text. Raises InvalidInput for files that cannot be used."""
    if not settings.tls_cert:
        return None
    files = _Files(settings.tls_cert, settings.tls_key, settings.tls_client_ca)
    # Its stubs say that the fetcher always has something new; None means that nothing is.
    fetch = cast("Callable[[], grpc.ServerCertificateConfiguration]", files.changed)
    return grpc.dynamic_ssl_server_credentials(files.first, fetch, bool(settings.tls_client_ca))


def client_files(settings: ClientSettings) -> list[str]:
    """The files that a client's credentials are made of."""
    return [file for file in (settings.tls_ca, settings.tls_cert, settings.tls_key) if file not in ("", SYSTEM_CA)]


def client_credentials(settings: ClientSettings) -> grpc.ChannelCredentials | None:
    """What a client shows and believes; None for plain text. Raises InvalidInput for files that cannot be read."""
    if not settings.tls_ca:
        return None
    roots = None if settings.tls_ca == SYSTEM_CA else _read(settings.tls_ca)
    chain = _read(settings.tls_cert) if settings.tls_cert else None
    if chain:
        _check(settings.tls_cert, settings.tls_key)
    return grpc.ssl_channel_credentials(roots, _read(settings.tls_key) if chain else None, chain)


def marks(*paths: str) -> list[tuple[int, int, int]]:
    """What tells files from those that were there before; through links, as mounted secrets are."""
    try:
        return [(s.st_mtime_ns, s.st_ino, s.st_size) for s in (os.stat(path) for path in paths if path)]
    except OSError as error:
        raise InvalidInput(f"cannot read {error.filename}: {error.strerror}") from error


class _Files:
    """A server's certificate files. gRPC asks at every handshake whether they have changed."""

    def __init__(self, cert: str, key: str, client_ca: str) -> None:
        self._paths = (cert, key, client_ca)
        self._lock = threading.Lock()
        self._seen = marks(*self._paths)
        self.first = self._load()

    def changed(self) -> grpc.ServerCertificateConfiguration | None:
        """The new certificates, or None to go on with those that are in use."""
        with self._lock:
            try:
                now = marks(*self._paths)
                if now == self._seen:
                    return None
                found = self._load()
            except InvalidInput as error:
                # Half of the files may be written yet: the next handshake looks again.
                _log.warning("certificate_not_loaded", message=error.message)
                return None
            self._seen = now
            _log.info("certificate_loaded", file=self._paths[0])
            return found

    def _load(self) -> grpc.ServerCertificateConfiguration:
        cert, key, client_ca = self._paths
        pair = (_read(key), _read(cert))
        _check(cert, key)
        return grpc.ssl_server_certificate_configuration([pair], _read(client_ca) if client_ca else None)


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise InvalidInput(f"cannot read {path}: {error.strerror}") from error


def _check(cert: str, key: str) -> None:
    """Raises InvalidInput unless the key is the certificate's; gRPC would take both, and fail every handshake."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key)
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{cert} and {key} are not a certificate and its key, in PEM: {error}") from error
