package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/types/known/emptypb"
)

// A download of so many messages from a server over TLS, by a connection that was just made. Prints how many milliseconds
// it took.
func download(address string, count, messageBytes uint64) error {
	// Whose certificate it is, is not what is compared.
	security := credentials.NewTLS(&tls.Config{InsecureSkipVerify: true})
	conn, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(security))
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx := context.Background()
	if err := conn.Invoke(ctx, service+"Unary", &emptypb.Empty{}, &emptypb.Empty{}, grpc.WaitForReady(true)); err != nil {
		return err
	}
	began := time.Now()
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, service+"ServerStream")
	if err != nil {
		return err
	}
	request := &emptypb.Empty{}
	request.ProtoReflect().SetUnknown(numbersTo(count, messageBytes))
	if err := stream.SendMsg(request); err != nil {
		return err
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	for received := uint64(0); ; received++ {
		err := stream.RecvMsg(&emptypb.Empty{})
		if err == io.EOF && received == count {
			break
		}
		if err != nil {
			return fmt.Errorf("after %d of %d messages: %w", received, count, err)
		}
	}
	fmt.Println(time.Since(began).Milliseconds())
	return nil
}

// The numbers of a ServerStreamRequest.
func numbersTo(count, messageBytes uint64) []byte {
	bytes := protowire.AppendVarint(protowire.AppendTag(nil, countField, protowire.VarintType), count)
	return protowire.AppendVarint(protowire.AppendTag(bytes, messageBytesField, protowire.VarintType), messageBytes)
}
