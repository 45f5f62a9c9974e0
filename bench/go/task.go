package main

// Load, Task, Command and Measurement mirror bench/loads.ts and bench/client/task.ts.

type Load struct {
	Kind          string `json:"kind"`
	Protocol      string `json:"protocol"`
	Concurrency   int    `json:"concurrency"`
	Messages      int    `json:"messages"`
	MessageBytes  int    `json:"messageBytes"`
	MetadataPairs int    `json:"metadataPairs"`
	Gzip          bool   `json:"gzip"`
	Deadline      bool   `json:"deadline"`
	Interceptor   string `json:"interceptor"`
}

type Task struct {
	Peer        string   `json:"peer"`
	Load        Load     `json:"load"`
	Backends    []string `json:"backends"`
	Certificate string   `json:"certificate"`
}

// Command is a MeasureCommand or, with PerSecond, an OpenLoopCommand.
type Command struct {
	DurationMs float64 `json:"durationMs"`
	ProbeHeap  bool    `json:"probeHeap"`
	PerSecond  float64 `json:"perSecond"`
	Count      int     `json:"count"`
	Seed       uint32  `json:"seed"`
}

type Measurement struct {
	Operations            int      `json:"operations"`
	WallMs                float64  `json:"wallMs"`
	CPUMicros             float64  `json:"cpuMicros"`
	P50Ms                 float64  `json:"p50Ms"`
	P99Ms                 float64  `json:"p99Ms"`
	RSSMiB                float64  `json:"rssMiB"`
	HeapBytesPerOperation *float64 `json:"heapBytesPerOperation,omitempty"`
}
