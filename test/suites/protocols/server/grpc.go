package main

import (
	"context"
	"errors"
	"net"

	"glink/protocols/echopb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// serveGRPC serves each method as a stream, which on the wire is the same.
func serveGRPC(listener net.Listener, e *echo) error {
	description := &grpc.ServiceDesc{ServiceName: "glink.demo.v1.EchoService", HandlerType: (*any)(nil)}
	add := func(name string, handle func(stream grpc.ServerStream) error) {
		handler := func(_ any, stream grpc.ServerStream) error {
			received, _ := metadata.FromIncomingContext(stream.Context())
			echoMetadata(received, func(name, value string) {
				_ = stream.SetHeader(metadata.Pairs(name, value))
			}, func(name, value string) {
				stream.SetTrailer(metadata.Pairs(name, value))
			})
			return grpcError(handle(stream))
		}
		description.Streams = append(description.Streams, grpc.StreamDesc{
			StreamName: name, Handler: handler, ServerStreams: true, ClientStreams: true,
		})
	}
	add("Unary", func(stream grpc.ServerStream) error { return single(stream, e.unary) })
	add("UnaryIdempotent", func(stream grpc.ServerStream) error { return single(stream, e.unaryIdempotent) })
	add("ServerStream", func(stream grpc.ServerStream) error {
		request := &echopb.ServerStreamRequest{}
		if err := stream.RecvMsg(request); err != nil {
			return err
		}
		return e.serverStream(stream.Context(), request, sender[echopb.ServerStreamResponse](stream))
	})
	add("ClientStream", func(stream grpc.ServerStream) error {
		response, err := e.clientStream(stream.Context(), receiver[echopb.ClientStreamRequest](stream))
		if err != nil {
			return err
		}
		return stream.SendMsg(response)
	})
	add("Bidi", func(stream grpc.ServerStream) error {
		return e.bidi(stream.Context(), receiver[echopb.BidiRequest](stream), sender[echopb.BidiResponse](stream))
	})
	server := grpc.NewServer()
	server.RegisterService(description, nil)
	return server.Serve(listener)
}

func single[Request, Response any](stream grpc.ServerStream, handle func(context.Context, *Request) (*Response, error)) error {
	request, err := receiver[Request](stream)()
	if err != nil {
		return err
	}
	response, err := handle(stream.Context(), request)
	if err != nil {
		return err
	}
	return stream.SendMsg(response)
}

func receiver[Request any](stream grpc.ServerStream) func() (*Request, error) {
	return func() (*Request, error) {
		request := new(Request)
		return request, stream.RecvMsg(request)
	}
}

func sender[Response any](stream grpc.ServerStream) func(*Response) error {
	return func(response *Response) error { return stream.SendMsg(response) }
}

func grpcError(err error) error {
	var asked *failure
	if !errors.As(err, &asked) {
		return err
	}
	answer, err := status.New(codes.Code(asked.code), asked.message).WithDetails(asked.detail)
	if err != nil {
		return err
	}
	return answer.Err()
}
