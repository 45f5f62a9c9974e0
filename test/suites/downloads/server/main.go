// A grpc-go server as it comes, with its own idea of too many PINGs: streams as many messages as it is asked for, answers
// all other calls with an empty message, and those of UnaryIdempotent never.
package main

import (
	"flag"
	"log"
	"net"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/types/known/emptypb"
)

const (
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
	flag.Parse()
	listener, err := net.Listen("tcp", "127.0.0.1:"+*port)
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(grpc.NewServer(grpc.UnknownServiceHandler(answer)).Serve(listener))
}
