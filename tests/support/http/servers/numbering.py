"""Answers each request with its eventor-offset header, and writes that to standard error.

Arguments: the port, the seconds after which an idle connection is closed, and the number of requests for each
connection, where 0 stands for what the server does by itself; http, or https with cert.pem and key.pem. Connections are
closed without being announced to be.
"""
import ssl
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

port, idle_seconds, max_requests = map(int, sys.argv[1:4])


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    requests = 0

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        number = self.headers["eventor-offset"]
        sys.stderr.write(number + "\n")
        self.send_response(200)
        self.send_header("Content-Length", str(len(number)))
        self.end_headers()
        self.wfile.write(number.encode())
        # It is idle from now on: the first request may take longer to come.
        self.connection.settimeout(idle_seconds or None)
        self.requests += 1
        if self.requests == max_requests:
            self.close_connection = True

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 128


server = Server(("127.0.0.1", port), Handler)
if sys.argv[4] == "https":
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain("cert.pem", "key.pem")
    # Each thread shakes hands itself.
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
server.serve_forever()
