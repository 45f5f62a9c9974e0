// A grpc-go server with glink.demo.v1.EchoService, whose messages it knows by a descriptor set: it does what each request's
// behavior says, as demo/echo-service.ts has it. On SIGTERM it drains, prints how often each request id was executed, and ends.
package main

import (
	"encoding/json"
	"flag"
	"io"
	"log"
	"net"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

var (
	address     = flag.String("address", "127.0.0.1:0", "where to listen")
	descriptors = flag.String("descriptors", "", "a FileDescriptorSet with the echo service")
	age         = flag.Duration("age", 0, "MaxConnectionAge; 0: no limit")
	streams     = flag.Uint("streams", 0, "MaxConcurrentStreams; 0: no limit")
)

type echo struct {
	mutex      sync.Mutex
	executions map[string]int
}

func field(m protoreflect.Message, name protoreflect.Name) protoreflect.Value {
	return m.Get(m.Descriptor().Fields().ByName(name))
}

func set(m protoreflect.Message, name protoreflect.Name, v protoreflect.Value) {
	m.Set(m.Descriptor().Fields().ByName(name), v)
}

// serve counts an execution, waits, and fails if it should.
func (e *echo) serve(stream grpc.ServerStream, request protoreflect.Message) error {
	if !request.Has(request.Descriptor().Fields().ByName("behavior")) {
		return nil
	}
	behavior := field(request, "behavior").Message()
	id := field(behavior, "request_id").String()
	e.mutex.Lock()
	e.executions[id]++
	execution := e.executions[id]
	e.mutex.Unlock()
	if err := wait(stream, field(behavior, "delay_ms").Uint()); err != nil {
		return err
	}
	code, attempts := field(behavior, "fail_code").Uint(), field(behavior, "fail_attempts").Uint()
	if code == 0 || (attempts > 0 && uint64(execution) > attempts) {
		return nil
	}
	return status.Error(codes.Code(code), field(behavior, "fail_message").String())
}

func wait(stream grpc.ServerStream, ms uint64) error {
	select {
	case <-time.After(time.Duration(ms) * time.Millisecond):
		return nil
	case <-stream.Context().Done():
		return status.FromContextError(stream.Context().Err()).Err()
	}
}

func (e *echo) handler(method protoreflect.MethodDescriptor) grpc.StreamHandler {
	return func(_ any, stream grpc.ServerStream) error {
		var last protoreflect.Message
		answer := dynamicpb.NewMessage(method.Output())
		count, size := 0, 0
		for {
			request := dynamicpb.NewMessage(method.Input())
			err := stream.RecvMsg(request)
			if err == io.EOF {
				break
			}
			if err != nil {
				return err
			}
			count++
			if last == nil || method.IsStreamingServer() {
				if err := e.serve(stream, request); err != nil {
					return err
				}
			}
			last = request
			switch method.Name() {
			case "ClientStream":
				size += len(field(request, "payload").Bytes())
			case "Bidi":
				set(answer, "text", field(request, "text"))
				set(answer, "payload", field(request, "payload"))
				if err := stream.SendMsg(answer); err != nil {
					return err
				}
			}
			if !method.IsStreamingClient() {
				break
			}
		}
		switch method.Name() {
		case "Bidi":
			return nil
		case "ServerStream":
			return sendAll(stream, answer, last)
		case "ClientStream":
			set(answer, "count", protoreflect.ValueOfUint32(uint32(count)))
			set(answer, "payload_bytes", protoreflect.ValueOfUint64(uint64(size)))
		case "Unary":
			payload := field(last, "payload")
			if n := field(last, "response_bytes").Uint(); n > 0 {
				payload = protoreflect.ValueOfBytes(make([]byte, n))
			}
			set(answer, "payload", payload)
		}
		if last != nil {
			set(answer, "text", field(last, "text"))
		}
		return stream.SendMsg(answer)
	}
}

func sendAll(stream grpc.ServerStream, answer, request protoreflect.Message) error {
	set(answer, "text", field(request, "text"))
	set(answer, "payload", protoreflect.ValueOfBytes(make([]byte, field(request, "message_bytes").Uint())))
	for i := uint64(0); i < field(request, "count").Uint(); i++ {
		if err := wait(stream, field(request, "interval_ms").Uint()); err != nil {
			return err
		}
		set(answer, "index", protoreflect.ValueOfUint32(uint32(i)))
		if err := stream.SendMsg(answer.Interface()); err != nil {
			return err
		}
	}
	return nil
}

func main() {
	flag.Parse()
	bytes, err := os.ReadFile(*descriptors)
	if err != nil {
		log.Fatal(err)
	}
	files := new(descriptorpb.FileDescriptorSet)
	if err := proto.Unmarshal(bytes, files); err != nil {
		log.Fatal(err)
	}
	registry, err := protodesc.NewFiles(files)
	if err != nil {
		log.Fatal(err)
	}
	found, err := registry.FindDescriptorByName("glink.demo.v1.EchoService")
	if err != nil {
		log.Fatal(err)
	}
	service := &echo{executions: map[string]int{}}
	options := []grpc.ServerOption{grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionAge: *age})}
	if *streams > 0 {
		options = append(options, grpc.MaxConcurrentStreams(uint32(*streams)))
	}
	server := grpc.NewServer(options...)
	description := &grpc.ServiceDesc{ServiceName: string(found.FullName()), HandlerType: (*any)(nil)}
	methods := found.(protoreflect.ServiceDescriptor).Methods()
	for i := 0; i < methods.Len(); i++ {
		method := methods.Get(i)
		description.Streams = append(description.Streams, grpc.StreamDesc{
			StreamName: string(method.Name()), Handler: service.handler(method), ServerStreams: true, ClientStreams: true,
		})
	}
	server.RegisterService(description, nil)
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
	forced := time.AfterFunc(2*time.Second, server.Stop)
	server.GracefulStop()
	forced.Stop()
	service.mutex.Lock()
	if err := json.NewEncoder(os.Stdout).Encode(service.executions); err != nil {
		log.Fatal(err)
	}
}
