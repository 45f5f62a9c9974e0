package main

import (
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// measure keeps `concurrency` operations under way until the time is over, as bench/client/measure.ts does.
func measure(run func() error, concurrency int, command Command) (Measurement, error) {
	lanes := make([][]float64, concurrency)
	failures := make([]error, concurrency)
	var memoryBefore runtime.MemStats
	if command.ProbeHeap {
		runtime.ReadMemStats(&memoryBefore)
	}
	started := time.Now()
	until := started.Add(time.Duration(command.DurationMs * float64(time.Millisecond)))
	cpuBefore := cpuMicros()
	var wait sync.WaitGroup
	for lane := range lanes {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for began := started; ; {
				if err := run(); err != nil {
					failures[lane] = err
					return
				}
				now := time.Now()
				lanes[lane] = append(lanes[lane], float64(now.Sub(began))/float64(time.Millisecond))
				if !now.Before(until) {
					return
				}
				began = now
			}
		}()
	}
	wait.Wait()
	cpu := cpuMicros() - cpuBefore
	wall := time.Since(started)
	for _, err := range failures {
		if err != nil {
			return Measurement{}, err
		}
	}
	latencies := slices.Concat(lanes...)
	slices.Sort(latencies)
	measurement := Measurement{
		Operations: len(latencies),
		WallMs:     float64(wall) / float64(time.Millisecond),
		CPUMicros:  cpu,
		P50Ms:      quantile(latencies, 0.5),
		P99Ms:      quantile(latencies, 0.99),
		RSSMiB:     rssMiB(),
	}
	if command.ProbeHeap {
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		bytes := float64(memory.TotalAlloc-memoryBefore.TotalAlloc) / float64(len(latencies))
		measurement.HeapBytesPerOperation = &bytes
	}
	return measurement, nil
}

func cpuMicros() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e3
}

// rssMiB is 0 where there is no /proc.
func rssMiB() float64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	pages, err := strconv.Atoi(strings.Fields(string(text))[1])
	if err != nil {
		return 0
	}
	return float64(pages*os.Getpagesize()) / (1 << 20)
}

func quantile(ascending []float64, q float64) float64 {
	return ascending[min(len(ascending)-1, int(q*float64(len(ascending))))]
}
