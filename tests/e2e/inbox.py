"""A receiver of webhooks, for the drivers that ask what the agent or an Alertmanager told."""

import http.server
import json
import ssl
import threading


class Inbox(http.server.ThreadingHTTPServer):
    """A webhook receiver that keeps what it is sent."""

    def __init__(self, certificate=None):
        """`certificate`: the path of a PEM file with the key, for TLS."""
        super().__init__(("127.0.0.1", 0), InboxHandler)
        self.messages = []
        self.authorizations = []
        self.scheme = "https" if certificate else "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self.server_address[1]}/"

    def told(self, status):
        """(fingerprint, startsAt) of every alert that a message brought in this status."""
        return [(alert["fingerprint"], alert["startsAt"]) for message in list(self.messages)
                for alert in message["alerts"] if alert["status"] == status]


class InboxHandler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.authorizations.append(self.headers["Authorization"])
        self.server.messages.append(json.loads(body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass
