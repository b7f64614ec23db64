// Answers each request with its eventor-offset header, and writes that to standard error.
//
// Arguments: the port, the seconds after which an idle connection is closed, and the number of requests for each
// connection, where 0 stands for what the server does by itself; http, or https with cert.pem and key.pem.
package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"time"
)

type requestsKey struct{}

func main() {
	port := os.Args[1]
	idleSeconds, _ := strconv.Atoi(os.Args[2])
	maxRequests, _ := strconv.ParseInt(os.Args[3], 10, 64)
	answer := func(response http.ResponseWriter, request *http.Request) {
		io.Copy(io.Discard, request.Body)
		number := request.Header.Get("eventor-offset")
		fmt.Fprintln(os.Stderr, number)
		requests := request.Context().Value(requestsKey{}).(*atomic.Int64)
		if maxRequests > 0 && requests.Add(1) >= maxRequests {
			response.Header().Set("Connection", "close")
		}
		fmt.Fprint(response, number)
	}
	server := http.Server{
		Addr:        "127.0.0.1:" + port,
		Handler:     http.HandlerFunc(answer),
		IdleTimeout: time.Duration(idleSeconds) * time.Second,
		ConnContext: func(parent context.Context, _ net.Conn) context.Context {
			return context.WithValue(parent, requestsKey{}, new(atomic.Int64))
		},
	}
	if os.Args[4] == "https" {
		// HTTP/1.1 alone.
		server.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){}
		fmt.Fprintln(os.Stderr, server.ListenAndServeTLS("cert.pem", "key.pem"))
	}
	fmt.Fprintln(os.Stderr, server.ListenAndServe())
}
