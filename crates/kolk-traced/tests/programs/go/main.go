// Tickers, contexts, goroutines, garbage collection, maps, a goroutine that does not give way.
package main

import (
	"bufio"
	"context"
	"fmt"
	"math/rand"
	"os"
	"sync"
	"time"
)

var (
	mutex sync.Mutex
	began = time.Now()
	sink  [][]byte
)

func say(words ...interface{}) {
	mutex.Lock()
	defer mutex.Unlock()
	fmt.Println(append(words, time.Since(began).Milliseconds(), time.Now().UnixMilli())...)
}

func main() {
	rand.Seed(time.Now().UnixNano())
	go func() {
		for range time.NewTicker(time.Second).C {
			say("tick", rand.Intn(1000))
			for i := 0; i < 2000; i++ {
				sink = append(sink, make([]byte, 1000))
			}
			if len(sink) > 10000 {
				sink = nil
			}
		}
	}()
	scanner := bufio.NewScanner(os.Stdin)
	for scanner.Scan() {
		line := scanner.Text()
		order := ""
		for key := range map[string]int{"a": 1, "b": 2, "c": 3, "d": 4} {
			order += key
		}
		say("echo", line, order, os.Getpid())
		time.AfterFunc(250*time.Millisecond, func() { say("later", line) })
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
			defer cancel()
			select {
			case <-ctx.Done():
				say("timeout", line)
			case <-time.After(5 * time.Second):
				say("slow", line)
			}
			var group sync.WaitGroup
			for i := 0; i < 4; i++ {
				group.Add(1)
				go func(i int) {
					defer group.Done()
					time.Sleep(10 * time.Millisecond)
					say("worker", i)
				}(i)
			}
			sum := 0
			for i := 0; i < 20000000; i++ {
				sum += i
			}
			group.Wait()
			say("sum", sum)
		}()
	}
}
