"""A WSGI application that answers each request with its eventor-offset header, and writes that to standard error."""
import sys


def app(environ, start_response):
    environ["wsgi.input"].read()
    number = environ["HTTP_EVENTOR_OFFSET"]
    sys.stderr.write(number + "\n")
    start_response("200 OK", [("Content-Length", str(len(number)))])
    return [number.encode()]
