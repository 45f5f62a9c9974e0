// A gRPC handler on Go's own net/http: no gRPC library, the way a Connect server in Go reads. Each message is read as its
// prefix of 5 bytes and then the rest, and the server gives credit for what was read as net/http sees fit.
package main

import (
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"net/http"
)

func main() {
	port := flag.Int("port", 0, "the port to listen on, on 127.0.0.1")
	flag.Parse()
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	http.HandleFunc("POST /glink.demo.v1.EchoService/ClientStream", clientStream)
	server := http.Server{Addr: fmt.Sprintf("127.0.0.1:%d", *port), Protocols: protocols}
	panic(server.ListenAndServe())
}

// Answers with how many messages came, and how many bytes they had.
func clientStream(response http.ResponseWriter, request *http.Request) {
	response.Header().Set("Content-Type", "application/grpc+proto")
	response.Header().Set("Trailer", "Grpc-Status")
	var messages, bytes uint64
	var prefix [5]byte
	chunk := make([]byte, 4096)
	for {
		if _, err := io.ReadFull(request.Body, prefix[:]); err == io.EOF {
			break
		} else if err != nil {
			return
		}
		length := int64(binary.BigEndian.Uint32(prefix[1:]))
		read, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, io.LimitReader(request.Body, length), chunk)
		if err != nil || read != length {
			return
		}
		messages++
		bytes += uint64(length)
	}
	// glink.demo.v1.ClientStreamResponse: count is field 2, payload_bytes field 3, both varints.
	message := binary.AppendUvarint([]byte{2 << 3}, messages)
	message = binary.AppendUvarint(append(message, 3<<3), bytes)
	response.Write(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message))))
	response.Write(message)
	response.Header().Set("Grpc-Status", "0")
}
