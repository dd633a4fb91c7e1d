"""A web server on this machine that answers as the real services did, or as they do on bad days."""

import contextlib
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs


class Loopback:
    """Serves what ``answer(path, form)`` returns: (status, content type, body[, behaviour])."""

    def __init__(self, answer):
        self.asked = []
        self.released = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def _serve(self):
                length = int(self.headers.get("Content-Length") or 0)
                form = {k: v[0] for k, v in parse_qs(self.rfile.read(length).decode("utf-8", "replace")).items()}
                outer.asked.append((self.path, form))
                status, kind, body, *rest = answer(self.path, form)
                behaviour = rest[0] if rest else ""
                if behaviour == "silent":
                    outer.released.wait(20)
                    return
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                if status == 429:
                    self.send_header("Retry-After", "30")
                self.end_headers()
                if behaviour == "half":
                    self.wfile.write(body[: len(body) // 2])
                    self.wfile.flush()
                    self.connection.close()
                    return
                if behaviour == "slow":
                    for start in range(0, len(body), 64):
                        if outer.released.is_set():
                            return
                        self.wfile.write(body[start : start + 64])
                        time.sleep(0.2)
                    return
                self.wfile.write(body)

            do_GET = do_POST = _serve  # noqa: N815 - what http.server calls

            def log_message(self, *_):
                pass

            def handle(self):
                with contextlib.suppress(OSError):
                    super().handle()

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        # It looks this often whether it is to end; every test waits for that.
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()
