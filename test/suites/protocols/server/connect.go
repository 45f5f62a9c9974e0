package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"

	"connectrpc.com/connect"
	"glink/protocols/echopb"
)

// serveConnect speaks all three protocols, over HTTP/1.1 and HTTP/2 without TLS.
func serveConnect(listener net.Listener, e *echo) error {
	mux := http.NewServeMux()
	add := func(method string, make func(procedure string) *connect.Handler) {
		mux.Handle(service+method, make(service+method))
	}
	add("Unary", func(procedure string) *connect.Handler {
		return connect.NewUnaryHandlerSimple(procedure, func(ctx context.Context, request *echopb.UnaryRequest) (*echopb.UnaryResponse, error) {
			echoMetadataOf(ctx)
			response, err := e.unary(ctx, request)
			return response, connectError(err)
		})
	})
	add("UnaryIdempotent", func(procedure string) *connect.Handler {
		return connect.NewUnaryHandlerSimple(procedure, func(ctx context.Context, request *echopb.UnaryIdempotentRequest) (*echopb.UnaryIdempotentResponse, error) {
			echoMetadataOf(ctx)
			response, err := e.unaryIdempotent(ctx, request)
			return response, connectError(err)
		}, connect.WithIdempotency(connect.IdempotencyNoSideEffects))
	})
	add("ServerStream", func(procedure string) *connect.Handler {
		return connect.NewServerStreamHandlerSimple(procedure, func(ctx context.Context, request *echopb.ServerStreamRequest, stream *connect.ServerStream[echopb.ServerStreamResponse]) error {
			echoMetadataOf(ctx)
			return connectError(e.serverStream(ctx, request, stream.Send))
		})
	})
	add("ClientStream", func(procedure string) *connect.Handler {
		return connect.NewClientStreamHandlerSimple(procedure, func(ctx context.Context, stream *connect.ClientStream[echopb.ClientStreamRequest]) (*echopb.ClientStreamResponse, error) {
			echoMetadataOf(ctx)
			response, err := e.clientStream(ctx, func() (*echopb.ClientStreamRequest, error) {
				if stream.Receive() {
					return stream.Msg(), nil
				}
				if err := stream.Err(); err != nil {
					return nil, err
				}
				return nil, io.EOF
			})
			return response, connectError(err)
		})
	})
	add("Bidi", func(procedure string) *connect.Handler {
		return connect.NewBidiStreamHandler(procedure, func(ctx context.Context, stream *connect.BidiStream[echopb.BidiRequest, echopb.BidiResponse]) error {
			echoMetadata(stream.RequestHeader(), stream.ResponseHeader().Add, stream.ResponseTrailer().Add)
			return connectError(e.bidi(ctx, stream.Receive, stream.Send))
		})
	})
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{Handler: mux, Protocols: protocols}
	return server.Serve(listener)
}

func echoMetadataOf(ctx context.Context) {
	if call, ok := connect.CallInfoForHandlerContext(ctx); ok {
		echoMetadata(call.RequestHeader(), call.ResponseHeader().Add, call.ResponseTrailer().Add)
	}
}

func connectError(err error) error {
	var asked *failure
	if !errors.As(err, &asked) {
		return err
	}
	answer := connect.NewError(connect.Code(asked.code), errors.New(asked.message))
	detail, err := connect.NewErrorDetail(asked.detail)
	if err != nil {
		return err
	}
	answer.AddDetail(detail)
	return answer
}
