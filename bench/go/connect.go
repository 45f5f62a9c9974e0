package main

import (
	"context"
	"fmt"
	"net/http"

	"connectrpc.com/connect"
	"glink/bench/echopb"
)

// connectOperation returns one operation of the load by connect-go, to the first backend, which is all it knows.
func connectOperation(task Task) (func() error, error) {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	client := &http.Client{Transport: &http.Transport{Protocols: protocols}}
	var options []connect.ClientOption
	if task.Load.Protocol == "grpc-web" {
		options = append(options, connect.WithGRPCWeb())
	}
	url := "http://" + task.Backends[0] + service
	text, payload := content(task.Load.MessageBytes)
	switch task.Load.Kind {
	case "unary":
		unary := connect.NewClient[echopb.UnaryRequest, echopb.UnaryResponse](client, url+"Unary", options...)
		return func() error {
			request := connect.NewRequest(&echopb.UnaryRequest{Text: text, Payload: payload})
			response, err := unary.CallUnary(context.Background(), request)
			if err != nil {
				return err
			}
			return check(len(response.Msg.Text)+len(response.Msg.Payload), len(text)+len(payload))
		}, nil
	case "server-stream":
		stream := connect.NewClient[echopb.ServerStreamRequest, echopb.ServerStreamResponse](client, url+"ServerStream", options...)
		return func() error {
			request := connect.NewRequest(&echopb.ServerStreamRequest{Text: text})
			responses, err := stream.CallServerStream(context.Background(), request)
			if err != nil {
				return err
			}
			defer responses.Close()
			count := 0
			for responses.Receive() {
				count++
			}
			if err := responses.Err(); err != nil {
				return err
			}
			return check(count, task.Load.Messages)
		}, nil
	}
	return nil, fmt.Errorf("connect-go is not measured with %s", task.Load.Kind)
}
