"""The store behind a WebDAV server, for clients that have not mounted the volume.

It needs webdav4, which is not there unless it was asked for: `pip install 'fitq[webdav]'`.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

import httpx
from webdav4.client import ResourceAlreadyExists
from webdav4.fsspec import WebdavFileSystem

PREFIX = "webdav+"

CONNECT_SECONDS = 5.0
# The server answers an upload when all of it is on its disk.
ANSWER_SECONDS = 120.0


class WebdavFolder(WebdavFileSystem):
    """The files below one URL: `webdav+http://USER:PASSWORD@HOST:PORT/FOLDER`, or webdav+https.

    Raises:
        ValueError: the URL is none; does not show its password.
    """

    # fsspec keeps its file systems by their arguments, and these hold a password.
    cachable = False

    def __init__(self, url: str) -> None:
        parts = urlsplit(url.removeprefix(PREFIX))
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
            raise ValueError("expected webdav+http://USER:PASSWORD@HOST:PORT or webdav+https://…")
        host = parts.netloc.rpartition("@")[2]
        login = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
        super().__init__(
            f"{parts.scheme}://{host}{parts.path.rstrip('/')}",
            auth=login,
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
        )

    def exists(self, path: str, **_: Any) -> bool:
        """Whether it is there. A server that refuses or does not answer is no `False`."""
        try:
            self.info(path)
        except FileNotFoundError:
            return False
        return True

    def mv(self, path1: str, path2: str, **_: Any) -> None:
        """Move one file on the server: no reader sees a part of it. What was there is replaced."""
        self.client.move(self._strip_protocol(path1), self._strip_protocol(path2), overwrite=True)

    def mv_new(self, path1: str, path2: str) -> None:
        """As `mv`, but FileExistsError where something is."""
        source, target = self._strip_protocol(path1), self._strip_protocol(path2)
        try:
            self.client.move(source, target, overwrite=False)
        except ResourceAlreadyExists as error:
            raise FileExistsError(path2) from error
