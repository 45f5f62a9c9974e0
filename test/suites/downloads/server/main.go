// A grpc-go server as it comes, with its own idea of too many PINGs: streams as many messages as it is asked for, answers
// all other calls with an empty message, and those of UnaryIdempotent never. With -download it is a client of another one.
package main

import (
	"flag"
	"log"
	"net"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/types/known/emptypb"
)

const (
	service           = "/glink.demo.v1.EchoService/"
	countField        = 2
	messageBytesField = 4
	payloadField      = 3
)

// The numbers of a ServerStreamRequest by their field, read without its schema.
func numbersOf(message []byte) map[protowire.Number]uint64 {
	numbers := map[protowire.Number]uint64{}
	for len(message) > 0 {
		field, kind, tagBytes := protowire.ConsumeTag(message)
		if kind == protowire.VarintType {
			numbers[field], _ = protowire.ConsumeVarint(message[tagBytes:])
		}
		message = message[tagBytes+protowire.ConsumeFieldValue(field, kind, message[tagBytes:]):]
	}
	return numbers
}

func answer(_ any, stream grpc.ServerStream) error {
	request := &emptypb.Empty{}
	if err := stream.RecvMsg(request); err != nil {
		return err
	}
	method, _ := grpc.MethodFromServerStream(stream)
	response := &emptypb.Empty{}
	if strings.HasSuffix(method, "/UnaryIdempotent") {
		<-stream.Context().Done()
		return stream.Context().Err()
	}
	if !strings.HasSuffix(method, "/ServerStream") {
		return stream.SendMsg(response)
	}
	numbers := numbersOf(request.ProtoReflect().GetUnknown())
	payload := protowire.AppendTag(nil, payloadField, protowire.BytesType)
	response.ProtoReflect().SetUnknown(protowire.AppendBytes(payload, make([]byte, numbers[messageBytesField])))
	for range numbers[countField] {
		if err := stream.SendMsg(response); err != nil {
			return err
		}
	}
	return nil
}

func main() {
	port := flag.String("port", "", "of 127.0.0.1")
	cert := flag.String("cert", "", "file with the certificate; with -key: TLS")
	key := flag.String("key", "", "file with its key")
	address := flag.String("download", "", "of the server to download from, over TLS")
	count := flag.Uint64("count", 0, "messages to download")
	messageBytes := flag.Uint64("bytes", 0, "of each of them")
	flag.Parse()
	if *address != "" {
		if err := download(*address, *count, *messageBytes); err != nil {
			log.Fatal(err)
		}
		return
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+*port)
	if err != nil {
		log.Fatal(err)
	}
	options := []grpc.ServerOption{grpc.UnknownServiceHandler(answer)}
	if *cert != "" {
		security, err := credentials.NewServerTLSFromFile(*cert, *key)
		if err != nil {
			log.Fatal(err)
		}
		options = append(options, grpc.Creds(security))
	}
	log.Fatal(grpc.NewServer(options...).Serve(listener))
}
