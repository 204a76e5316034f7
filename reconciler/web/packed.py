"""A gzip body, unpacked as it comes: one that is cut short is told from a whole one."""

import zlib
from collections.abc import Iterator

import httpx


def unpacked(response: httpx.Response) -> Iterator[bytes]:
    """The pieces of a gzip body. Raises `DecodingError`, also where it is cut short, which httpx lets pass."""
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        for chunk in response.iter_raw():
            yield unpacker.decompress(chunk)
    except zlib.error:
        raise httpx.DecodingError("its gzip is damaged") from None
    if not unpacker.eof:
        raise httpx.DecodingError("its gzip is cut short")
