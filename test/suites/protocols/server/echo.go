package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"glink/protocols/echopb"
)

const service = "/glink.demo.v1.EchoService/"

// failure is an error that the caller asked for.
type failure struct {
	code    uint32
	message string
	detail  *echopb.Served
}

func (f *failure) Error() string { return f.message }

// echo does what the behavior of each request says.
type echo struct {
	mutex      sync.Mutex
	executions map[string]int
}

func (e *echo) count(requestID string) int {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.executions[requestID]++
	return e.executions[requestID]
}

// wait ends with the call at the latest.
func wait(ctx context.Context, milliseconds uint32) error {
	select {
	case <-time.After(time.Duration(milliseconds) * time.Millisecond):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (e *echo) serve(ctx context.Context, behavior *echopb.Behavior) (*echopb.Served, error) {
	served := &echopb.Served{Backend: "go", Execution: uint32(e.count(behavior.GetRequestId()))}
	if deadline, ok := ctx.Deadline(); ok {
		served.Timeout = fmt.Sprint(time.Until(deadline).Milliseconds())
	}
	if err := wait(ctx, behavior.GetDelayMs()); err != nil {
		return nil, err
	}
	if behavior.GetFailCode() == 0 || (behavior.GetFailAttempts() > 0 && served.Execution > behavior.GetFailAttempts()) {
		return served, nil
	}
	return nil, &failure{behavior.GetFailCode(), behavior.GetFailMessage(), served}
}

func (e *echo) unary(ctx context.Context, request *echopb.UnaryRequest) (*echopb.UnaryResponse, error) {
	served, err := e.serve(ctx, request.Behavior)
	if err != nil {
		return nil, err
	}
	return &echopb.UnaryResponse{Text: request.Text, Payload: request.Payload, Served: served}, nil
}

func (e *echo) unaryIdempotent(ctx context.Context, request *echopb.UnaryIdempotentRequest) (*echopb.UnaryIdempotentResponse, error) {
	served, err := e.serve(ctx, request.Behavior)
	if err != nil {
		return nil, err
	}
	return &echopb.UnaryIdempotentResponse{Text: request.Text, Served: served}, nil
}

func (e *echo) serverStream(ctx context.Context, request *echopb.ServerStreamRequest, send func(*echopb.ServerStreamResponse) error) error {
	for index := range request.Count {
		if err := wait(ctx, request.IntervalMs); err != nil {
			return err
		}
		if index == request.FailAfter {
			if _, err := e.serve(ctx, request.Behavior); err != nil {
				return err
			}
		}
		if err := send(&echopb.ServerStreamResponse{Text: request.Text, Index: index}); err != nil {
			return err
		}
	}
	return nil
}

// clientStream reads until `receive` says io.EOF.
func (e *echo) clientStream(ctx context.Context, receive func() (*echopb.ClientStreamRequest, error)) (*echopb.ClientStreamResponse, error) {
	response := &echopb.ClientStreamResponse{}
	for {
		request, err := receive()
		if errors.Is(err, io.EOF) {
			return response, nil
		}
		if err != nil {
			return nil, err
		}
		if response.Served, err = e.serve(ctx, request.Behavior); err != nil {
			return nil, err
		}
		response.Text = request.Text
		response.Count++
	}
}

func (e *echo) bidi(ctx context.Context, receive func() (*echopb.BidiRequest, error), send func(*echopb.BidiResponse) error) error {
	for {
		request, err := receive()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		served, err := e.serve(ctx, request.Behavior)
		if err != nil {
			return err
		}
		if err := send(&echopb.BidiResponse{Text: request.Text, Payload: request.Payload, Served: served}); err != nil {
			return err
		}
	}
}

// echoMetadata gives back request metadata: as headers what begins with x-echo-, as trailers what begins with x-trailer-.
func echoMetadata(received map[string][]string, setHeader, setTrailer func(name, value string)) {
	for name, values := range received {
		name = strings.ToLower(name)
		for _, value := range values {
			if strings.HasPrefix(name, "x-echo-") {
				setHeader(name, value)
			} else if strings.HasPrefix(name, "x-trailer-") {
				setTrailer(name, value)
			}
		}
	}
}
