// Reads the details of an error with the published types, beside the stubs of the contract, and
// prints them as JSON: details TARGET
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	orderstatusv1 "oms/orderstatus/v1"
)

func main() {
	conn, err := grpc.NewClient(os.Args[1], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_, err = orderstatusv1.NewOrderStatusServiceClient(conn).GetOrderStatus(ctx, &orderstatusv1.GetOrderStatusRequest{})
	failure := status.Convert(err)
	fields := []string{}
	for _, detail := range failure.Details() {
		switch detail := detail.(type) {
		case *errdetails.BadRequest:
			for _, violation := range detail.GetFieldViolations() {
				fields = append(fields, violation.GetField())
			}
		case error:
			log.Fatal(detail)
		default:
			log.Fatal(fmt.Sprintf("unexpected detail %T", detail))
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(map[string]any{"code": failure.Code().String(), "fields": fields}); err != nil {
		log.Fatal(err)
	}
}
