package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"glink/bench/echopb"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
)

const (
	service  = "/glink.demo.v1.EchoService/"
	deadline = 10 * time.Second
)

// operation returns one operation of the load: what each lane repeats.
func operation(conn *grpc.ClientConn, load Load) func() error {
	base := context.Background()
	for i := 0; i < load.MetadataPairs; i++ {
		base = metadata.AppendToOutgoingContext(base, fmt.Sprintf("x-bench-key-%d", i), fmt.Sprintf("value number %d of some length", i))
	}
	text, payload := content(load.MessageBytes)
	run := map[string]func(context.Context) error{
		"unary": func(ctx context.Context) error {
			var response echopb.UnaryResponse
			if err := conn.Invoke(ctx, service+"Unary", &echopb.UnaryRequest{Text: text, Payload: payload}, &response); err != nil {
				return err
			}
			return check(len(response.Text)+len(response.Payload), len(text)+len(payload))
		},
		"server-stream": func(ctx context.Context) error {
			request := &echopb.ServerStreamRequest{Text: text}
			return exchange(ctx, conn, "ServerStream", request, 1, func() proto.Message { return new(echopb.ServerStreamResponse) }, load.Messages)
		},
		"client-stream": func(ctx context.Context) error {
			request := &echopb.ClientStreamRequest{Text: text, Payload: payload}
			return exchange(ctx, conn, "ClientStream", request, load.Messages, func() proto.Message { return new(echopb.ClientStreamResponse) }, 1)
		},
		"bidi": func(ctx context.Context) error {
			request := &echopb.BidiRequest{Text: text, Payload: payload}
			return exchange(ctx, conn, "Bidi", request, load.Messages, func() proto.Message { return new(echopb.BidiResponse) }, load.Messages)
		},
	}[load.Kind]
	return func() error {
		if !load.Deadline {
			return run(base)
		}
		ctx, cancel := context.WithTimeout(base, deadline)
		defer cancel()
		return run(ctx)
	}
}

// exchange sends so many requests on one stream, then reads so many responses to its end.
func exchange(ctx context.Context, conn *grpc.ClientConn, method string, request proto.Message, requests int, response func() proto.Message, responses int) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: requests > 1, ServerStreams: true}, service+method)
	if err != nil {
		return err
	}
	for i := 0; i < requests; i++ {
		if err := stream.SendMsg(request); err != nil {
			return err
		}
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	for got := 0; ; got++ {
		err := stream.RecvMsg(response())
		if err == io.EOF {
			return check(got, responses)
		}
		if err != nil {
			return err
		}
	}
}

// content is the twin of contentOf in bench/client/messages.ts.
func content(messageBytes int) (string, []byte) {
	if messageBytes <= 127 {
		return strings.Repeat("x", messageBytes-2), nil
	}
	varintBytes := 0
	for value := messageBytes; value > 0; value >>= 7 {
		varintBytes++
	}
	payload := make([]byte, messageBytes-1-varintBytes)
	for i := range payload {
		payload[i] = byte(i & 0x0f)
	}
	return "", payload
}

func check(got, wanted int) error {
	if got != wanted {
		return fmt.Errorf("expected %d, got %d", wanted, got)
	}
	return nil
}
