"""The public keys of an issuer of tokens: fetched, kept, and fetched again when they are old or one is not known."""

import json
import threading
import time
from collections.abc import Callable

import jwt
import urllib3

from services.core.errors import Unavailable
from services.gateway.access.settings import check_url
from services.runtime import telemetry

AGAIN_S = 10.0
"""Least time between two fetches: tokens with made-up key ids must not become requests to the issuer."""
LONGEST_S = 86_400.0
"""Keys that could not be fetched again for so long are not trusted any more."""
WAIT_S = 2.0
"""Longest that a token waits while another has the keys fetched."""
MAX_BYTES = 1 << 20
_DISCOVERY = "/.well-known/openid-configuration"
_log = telemetry.log(__name__)


class Jwks:
    """Keys by their id. `url`: of the key set; when empty, the issuer's OIDC discovery document names it."""

    def __init__(self, issuer: str, url: str, refresh_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._issuer = issuer
        self._url = url
        self._refresh_s = refresh_s
        self._clock = clock
        self._http = urllib3.PoolManager(timeout=urllib3.Timeout(connect=3, read=5), retries=False)
        self._fetching = threading.Lock()
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched = self._tried = float("-inf")

    def key(self, id_: str) -> jwt.PyJWK | None:
        """The key of this id; without an id, the only key. None when the issuer has none such.

        Raises Unavailable when there are no keys that can be trusted.
        """
        # Who shows a key that is known does not wait for an issuer that is slow, and made-up ones hold nobody for long.
        known = self._find(id_) is not None
        due = (not known or self._clock() - self._fetched > self._refresh_s) and (
            self._fetching.locked() or self._may()
        )
        if due and self._fetching.acquire(timeout=0 if known else WAIT_S):
            try:
                if self._may():
                    self._fetch()
            finally:
                self._fetching.release()
        if self._clock() - self._fetched > LONGEST_S:
            raise Unavailable("the issuer of tokens does not answer, so no token can be checked; try again later")
        return self._find(id_)

    def _may(self) -> bool:
        return self._clock() - self._tried >= AGAIN_S

    def _find(self, id_: str) -> jwt.PyJWK | None:
        if not id_ and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(id_)

    def _fetch(self) -> None:
        self._tried = self._clock()
        try:
            url = self._url or str(self._get(self._issuer.rstrip("/") + _DISCOVERY)["jwks_uri"])
            check_url(url)
            found = jwt.PyJWKSet.from_dict(self._get(url)).keys
        except (urllib3.exceptions.HTTPError, jwt.PyJWTError, ValueError, KeyError, TypeError) as error:
            _log.warning("jwks_not_fetched", issuer=self._issuer, message=f"{type(error).__name__}: {str(error)[:200]}")
            return
        self._keys = {key.key_id or "": key for key in found if key.public_key_use in (None, "sig")}
        self._fetched = self._clock()
        _log.info("jwks_fetched", issuer=self._issuer, keys=len(self._keys))

    def _get(self, url: str) -> dict[str, object]:
        response = self._http.request("GET", url, redirect=False, preload_content=False)
        try:
            data = response.read(MAX_BYTES + 1)
            if response.status != 200 or len(data) > MAX_BYTES:
                raise ValueError(f"{url} answers {response.status}, with {len(data)} bytes")
            document = json.loads(data)
            if not isinstance(document, dict):
                raise ValueError(f"{url} answers no JSON object")
            return document
        finally:
            response.release_conn()
