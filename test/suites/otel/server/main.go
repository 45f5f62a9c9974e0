// A grpc-go server with otelgrpc, which prints each of its spans as a line of JSON. It answers glink.demo.v1.EchoService/Unary
// with the text of the request. A text "fail N …" fails its first N attempts with UNAVAILABLE. ServerStream answers with the
// text three times. On SIGTERM it ends.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

var address = flag.String("address", "127.0.0.1:0", "where to listen")

// printer is an exporter of spans.
type printer struct{}

func (printer) ExportSpans(_ context.Context, spans []trace.ReadOnlySpan) error {
	for _, span := range spans {
		line := map[string]string{
			"name":         span.Name(),
			"kind":         span.SpanKind().String(),
			"status":       span.Status().Code.String(),
			"traceId":      span.SpanContext().TraceID().String(),
			"spanId":       span.SpanContext().SpanID().String(),
			"parentSpanId": span.Parent().SpanID().String(),
		}
		if err := json.NewEncoder(os.Stdout).Encode(line); err != nil {
			return err
		}
	}
	return nil
}

func (printer) Shutdown(context.Context) error { return nil }

// attempts counts how often each text came.
type attempts struct {
	mutex sync.Mutex
	seen  map[string]int
}

func (a *attempts) next(text string) int {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.seen[text]++
	return a.seen[text]
}

// echo reads and writes StringValue: its only field has the number and type that `text` has in the echo service's messages.
func (a *attempts) echo(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	request := new(wrapperspb.StringValue)
	if err := decode(request); err != nil {
		return nil, err
	}
	failures := 0
	if _, err := fmt.Sscanf(request.Value, "fail %d", &failures); err == nil && a.next(request.Value) <= failures {
		return nil, status.Error(codes.Unavailable, "not yet")
	}
	return request, nil
}

func repeat(_ any, stream grpc.ServerStream) error {
	request := new(wrapperspb.StringValue)
	if err := stream.RecvMsg(request); err != nil {
		return err
	}
	for range 3 {
		if err := stream.SendMsg(request); err != nil {
			return err
		}
	}
	return nil
}

func main() {
	flag.Parse()
	ctx := context.Background()
	provider := trace.NewTracerProvider(trace.WithSyncer(printer{}))
	server := grpc.NewServer(grpc.StatsHandler(otelgrpc.NewServerHandler(
		otelgrpc.WithTracerProvider(provider),
		otelgrpc.WithPropagators(propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{})),
	)))
	service := &attempts{seen: map[string]int{}}
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "glink.demo.v1.EchoService",
		HandlerType: (*any)(nil),
		Methods:     []grpc.MethodDesc{{MethodName: "Unary", Handler: service.echo}},
		Streams:     []grpc.StreamDesc{{StreamName: "ServerStream", Handler: repeat, ServerStreams: true}},
	}, nil)
	listener, err := net.Listen("tcp", *address)
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		if err := server.Serve(listener); err != nil {
			log.Fatal(err)
		}
	}()
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM)
	<-end
	server.GracefulStop()
	if err := provider.Shutdown(ctx); err != nil {
		log.Fatal(err)
	}
}
