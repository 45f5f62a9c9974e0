package main

import (
	"math"
	"math/bits"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"
)

const (
	bucketsPerOctave = 128
	bucketBits       = 8
)

// bucketOf is the twin of bucketOf in bench/histogram.ts.
func bucketOf(micros uint32) int {
	shift := max(0, bits.Len32(micros)-bucketBits)
	return shift*bucketsPerOctave + int(micros>>shift)
}

// arrivals is the twin of arrivalTimes in bench/arrivals.ts: each call of what it returns tells when the next one is due.
func arrivals(perSecond float64, seed uint32) func() time.Duration {
	state := seed
	at := 0.0
	return func() time.Duration {
		// mulberry32
		state += 0x6d2b79f5
		mixed := (state ^ state>>15) * (state | 1)
		mixed ^= mixed + (mixed^mixed>>7)*(mixed|61)
		chance := float64(mixed^mixed>>14) / (1 << 32)
		at += -math.Log(1-chance) / perSecond
		return time.Duration(at * float64(time.Second))
	}
}

// openLoop makes each call when it is due, as bench/client/open-loop.ts does. It sleeps in the kernel, on a thread of its own:
// timers of Go's are late by up to a millisecond.
func openLoop(run func() error, command Command) ([][2]int, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var (
		wait    sync.WaitGroup
		lock    sync.Mutex
		failure error
	)
	counts := map[int]int{}
	next := arrivals(command.PerSecond, command.Seed)
	started := time.Now()
	for i := 0; i < command.Count; i++ {
		due := started.Add(next())
		if left := time.Until(due); left > 0 {
			duration := syscall.NsecToTimespec(int64(left))
			// A signal may wake it too early: no more than a call that begins a little before its time.
			_ = syscall.Nanosleep(&duration, nil)
		}
		wait.Add(1)
		go func() {
			defer wait.Done()
			err := run()
			micros := max(0, time.Since(due).Microseconds())
			lock.Lock()
			defer lock.Unlock()
			counts[bucketOf(uint32(micros))]++
			if err != nil {
				failure = err
			}
		}()
	}
	wait.Wait()
	if failure != nil {
		return nil, failure
	}
	list := make([][2]int, 0, len(counts))
	for bucket, count := range counts {
		list = append(list, [2]int{bucket, count})
	}
	slices.SortFunc(list, func(a, b [2]int) int { return a[0] - b[0] })
	return list, nil
}
