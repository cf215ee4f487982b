"""An identity provider on this machine: it signs tokens and serves its public keys over HTTP."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

AUDIENCE = "geoplan"


@cache
def signing_keys() -> dict[str, Any]:
    """Private keys by the id of the key; before the hyphen the algorithm."""
    return {
        "RS256": rsa.generate_private_key(65537, 2048),
        "RS256-other": rsa.generate_private_key(65537, 2048),
        "RS256-short": rsa.generate_private_key(65537, 1024),  # noqa: S505 - has to be refused
        "ES256": ec.generate_private_key(ec.SECP256R1()),
        "EdDSA": ed25519.Ed25519PrivateKey.generate(),
    }


@dataclass
class Provider:
    """An identity provider: it signs tokens and serves its public keys."""

    keys: dict[str, Any] = field(default_factory=signing_keys)
    document: bytes = b""
    fetches: int = 0
    status: int = 200
    delay_s: float = 0.0
    address: str = ""

    def publish(self, *names: str) -> None:
        self.document = json.dumps({"keys": [self.jwk(name) for name in names]}).encode()

    def jwk(self, name: str) -> dict[str, Any]:
        kind, public = name[:2], self.keys[name].public_key()
        makers: Mapping[str, Any] = {"RS": RSAAlgorithm, "ES": ECAlgorithm, "Ed": OKPAlgorithm}
        made: dict[str, Any] = makers[kind].to_jwk(public, as_dict=True)
        return made | {"kid": name, "use": "sig"}

    def token(self, name: str = "RS256", /, headers: Mapping[str, Any] | None = None, **claims: Any) -> bytes:
        now = time.time()
        payload = {
            "iss": self.address, "aud": AUDIENCE, "sub": "li", "exp": now + 600, "iat": now, "scope": "openid gp.read",
        }  # fmt: skip
        payload = {key: value for key, value in (payload | claims).items() if value is not None}
        algorithm = name.partition("-")[0]
        return jwt.encode(payload, self.keys[name], algorithm, {"kid": name, **(headers or {})}).encode()


@contextmanager
def running_provider() -> Iterator[Provider]:
    """A provider with keys of all three kinds, at an address of this machine."""
    made = Provider()
    made.publish("RS256", "ES256", "EdDSA")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.fetches += 1
            time.sleep(made.delay_s)
            self.send_response(made.status)
            self.send_header("Location", f"{made.address}/elsewhere")
            self.send_header("Content-Length", str(len(made.document)))
            self.end_headers()
            with contextlib.suppress(OSError):  # the one who asked gave up
                self.wfile.write(made.document)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
