"""The rival behind TLS, with a certificate of an authority that nobody knows."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer

import trustme
from support.rival import Rival, _handler


@contextmanager
def over_tls(rival: Rival, certificate: trustme.LeafCert) -> Iterator[Rival]:
    """The rival at `https://localhost`, until the context is left."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(rival))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    rival.url = f"https://localhost:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield rival
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
