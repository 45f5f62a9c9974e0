// The echo service of proto/glink/demo/v1, served by connect-go or by grpc-go. Errors carry a Served as their detail.
package main

import (
	"flag"
	"log"
	"net"
)

func main() {
	library := flag.String("library", "connect-go", "connect-go or grpc-go")
	address := flag.String("address", "127.0.0.1:0", "where to listen")
	flag.Parse()
	listener, err := net.Listen("tcp", *address)
	if err != nil {
		log.Fatal(err)
	}
	serve := map[string]func(net.Listener, *echo) error{"connect-go": serveConnect, "grpc-go": serveGRPC}[*library]
	if serve == nil {
		log.Fatalf("no library %q", *library)
	}
	log.Fatal(serve(listener, &echo{executions: map[string]int{}}))
}
