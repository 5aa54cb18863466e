// Calls GetOrderStatus at a fixed rate on one connection with default settings, and prints the
// results as JSON: load TARGET ORDER_ID CALLS_PER_SECOND SECONDS
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strconv"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	orderstatusv1 "oms/orderstatus/v1"
)

const workers = 64

type result struct {
	Calls    int            `json:"calls"`
	Failed   map[string]int `json:"failed"`
	Connects int            `json:"connects"`
}

func number(index int) int64 {
	value, err := strconv.ParseInt(os.Args[index], 10, 64)
	if err != nil {
		log.Fatalf("argument %d: %v", index, err)
	}
	return value
}

// countConnects counts how often the connection becomes ready: once, unless the server closes it.
func countConnects(ctx context.Context, conn *grpc.ClientConn, count *int, done *sync.WaitGroup) {
	defer done.Done()
	for state := conn.GetState(); ; state = conn.GetState() {
		if state == connectivity.Ready {
			*count++
		}
		if !conn.WaitForStateChange(ctx, state) {
			return
		}
	}
}

func main() {
	target, orderID, rate := os.Args[1], number(2), number(3)
	duration := time.Duration(number(4)) * time.Second

	conn, err := grpc.NewClient(target, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	orders := orderstatusv1.NewOrderStatusServiceClient(conn)

	out := result{Failed: map[string]int{}}
	watching, stopWatching := context.WithCancel(context.Background())
	var watcher sync.WaitGroup
	watcher.Add(1)
	go countConnects(watching, conn, &out.Connects, &watcher)

	// Due calls; a call that finds all workers busy waits for one.
	due := make(chan struct{}, workers)
	go func() {
		defer close(due)
		start := time.Now()
		for sent := int64(0); time.Since(start) < duration; time.Sleep(time.Millisecond) {
			for ; sent < int64(time.Since(start).Seconds()*float64(rate)); sent++ {
				due <- struct{}{}
			}
		}
	}()

	var mutex sync.Mutex
	var group sync.WaitGroup
	for range workers {
		group.Add(1)
		go func() {
			defer group.Done()
			for range due {
				ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
				_, err := orders.GetOrderStatus(ctx, &orderstatusv1.GetOrderStatusRequest{OrderId: orderID})
				cancel()
				mutex.Lock()
				out.Calls++
				if err != nil {
					failure := status.Convert(err)
					out.Failed[fmt.Sprintf("%s: %.120s", failure.Code(), failure.Message())]++
				}
				mutex.Unlock()
			}
		}()
	}
	group.Wait()
	stopWatching()
	watcher.Wait()
	if err := json.NewEncoder(os.Stdout).Encode(out); err != nil {
		log.Fatal(err)
	}
}
