"""An issuer of tokens: its OIDC discovery and its keys, over real HTTP on loopback."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm


class Issuer:
    """Signs with `keys[-1]`, shows all of `keys`. `asked` counts requests by path; `down` answers 503."""

    def __init__(self) -> None:
        self.url = ""
        self.keys: dict[str, ec.EllipticCurvePrivateKey] = {}
        self.asked: list[str] = []
        self.down = False
        self.answers = threading.Event()
        """Cleared, it takes questions and answers none."""
        self.answers.set()
        self.rotate("first")

    def rotate(self, id_: str, *, keep: bool = False) -> None:
        """Sign with a new key from now on; `keep` goes on showing the old ones."""
        self.keys = {**(self.keys if keep else {}), id_: ec.generate_private_key(ec.SECP256R1())}

    def token(self, *, kid: str | None = None, key: Any = None, algorithm: str = "ES256", **claims: Any) -> str:
        """A token that is valid for ten minutes, with these claims; None takes one away."""
        id_, own = list(self.keys.items())[-1]
        whole = {
            "iss": self.url,
            "aud": "vidx",
            "sub": "ann",
            "exp": int(time.time()) + 600,
            "scope": "openid vidx:read",
            "vidx_collections": ["c"],
            **claims,
        }
        kept = {name: value for name, value in whole.items() if value is not None}
        headers = {"kid": id_ if kid is None else kid}
        return jwt.encode(kept, own if key is None else key, algorithm, headers)

    def document(self, path: str) -> dict[str, Any] | None:
        if path == "/.well-known/openid-configuration":
            return {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}
        if path == "/keys":
            shown = [
                {**ECAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": id_, "use": "sig", "alg": "ES256"}
                for id_, key in self.keys.items()
            ]
            return {"keys": [*shown, {"kty": "unheard-of", "kid": "odd"}]}
        return None


@contextmanager
def serving() -> Iterator[Issuer]:
    """An issuer on a free port."""
    issuer = Issuer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.asked.append(self.path)
            issuer.answers.wait(60)
            document = None if issuer.down else issuer.document(self.path)
            self.send_response(200 if document else 503)
            self.end_headers()
            self.wfile.write(json.dumps(document).encode())

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issuer.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
