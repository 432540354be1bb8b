"""The store service: a folder over WebDAV, for who has its login.

Usage: store.py FOLDER LOGIN_FILE PORT, where the file holds USER:PASSWORD.
"""

import sys
from pathlib import Path

from cheroot.wsgi import Server
from wsgidav.wsgidav_app import WsgiDAVApp

folder, login_file, port = sys.argv[1:]
user, _, password = Path(login_file).read_text(encoding="utf-8").strip().partition(":")
app = WsgiDAVApp(
    {
        "provider_mapping": {"/": folder},
        "simple_dc": {"user_mapping": {"*": {user: {"password": password}}}},
        "http_authenticator": {"accept_digest": True, "default_to_digest": False},
        # Nobody edits in place here: files are written whole, then moved.
        "lock_storage": False,
        "dir_browser": {"enable": False},
        "suppress_version_info": True,
        "verbose": 2,
        "logging": {"enable": True},
    }
)
# All addresses of its container; what is published of it, docker-compose.yml says.
server = Server(("0.0.0.0", int(port)), app, server_name="fitq")  # noqa: S104
try:
    server.start()
except KeyboardInterrupt:
    pass
finally:
    server.stop()
