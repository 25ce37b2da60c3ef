// client_golang showing the very same page: scrape FILE.
// Seconds of Gather + encode after 1 % and after all series changed, and with gzip; what the page was.
package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"io"
	"log"
	"math/rand"
	"os"
	"sort"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
)

// settling is how long each way warms up, and how long it is measured, as for the programs in Python.
const settling = 100 * time.Millisecond

type family struct {
	Name    string              `json:"name"`
	Help    string              `json:"help"`
	Type    string              `json:"type"`
	Labels  []string            `json:"labels"`
	Samples [][]json.RawMessage `json:"samples"`
}

type page struct {
	registry *prometheus.Registry
	gauges   []prometheus.Gauge
	counters []prometheus.Counter
}

func (p *page) add(f family) {
	gauges := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: f.Name, Help: f.Help}, f.Labels)
	counters := prometheus.NewCounterVec(prometheus.CounterOpts{Name: f.Name, Help: f.Help}, f.Labels)
	if f.Type == "counter" {
		p.registry.MustRegister(counters)
	} else {
		p.registry.MustRegister(gauges)
	}
	for _, sample := range f.Samples {
		var labels []string
		var value float64
		if json.Unmarshal(sample[0], &labels) != nil || json.Unmarshal(sample[1], &value) != nil {
			log.Fatal("unreadable sample")
		}
		if f.Type == "counter" {
			child := counters.WithLabelValues(labels...)
			child.Add(value)
			p.counters = append(p.counters, child)
		} else {
			child := gauges.WithLabelValues(labels...)
			child.Set(value)
			p.gauges = append(p.gauges, child)
		}
	}
}

func (p *page) change(share float64) {
	for _, gauge := range p.gauges {
		if rand.Float64() < share {
			gauge.Set(1 + rand.Float64()*90000)
		}
	}
	for _, counter := range p.counters {
		if rand.Float64() < share {
			counter.Add(1 + rand.Float64()*9)
		}
	}
}

func (p *page) encode(format expfmt.Format, to io.Writer) {
	families, err := p.registry.Gather()
	if err != nil {
		log.Fatal(err)
	}
	encoder := expfmt.NewEncoder(to, format)
	for _, each := range families {
		if err := encoder.Encode(each); err != nil {
			log.Fatal(err)
		}
	}
	if closer, ok := encoder.(expfmt.Closer); ok {
		if err := closer.Close(); err != nil {
			log.Fatal(err)
		}
	}
}

func (p *page) middle(share float64, work func(body *bytes.Buffer)) float64 {
	var found []float64
	var body bytes.Buffer
	until := time.Now().Add(settling)
	for now := time.Now(); now.Before(until.Add(settling)) || len(found) < 9; now = time.Now() {
		p.change(share)
		body.Reset()
		began := time.Now()
		work(&body)
		if !now.Before(until) {
			found = append(found, time.Since(began).Seconds())
		}
	}
	sort.Float64s(found)
	return found[len(found)/2]
}

func main() {
	file, err := os.Open(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	p := &page{registry: prometheus.NewRegistry()}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<28)
	for lines.Scan() {
		var f family
		if err := json.Unmarshal(lines.Bytes(), &f); err != nil {
			log.Fatal(err)
		}
		p.add(f)
	}
	var first bytes.Buffer
	p.encode(expfmt.FmtText, &first)
	var samples []string
	for _, line := range strings.Split(strings.TrimSpace(first.String()), "\n") {
		if line[0] != '#' {
			samples = append(samples, strings.TrimSuffix(line, ".0"))
		}
	}
	sort.Strings(samples)
	sum := sha1.Sum([]byte(strings.Join(samples, "\n")))
	told := map[string]interface{}{"messages": len(samples), "digest": hex.EncodeToString(sum[:])}
	text := func(body *bytes.Buffer) { p.encode(expfmt.FmtText, body) }
	told["text 1 %"] = p.middle(0.01, text)
	told["text all"] = p.middle(1, text)
	told["openmetrics 1 %"] = p.middle(0.01, func(body *bytes.Buffer) { p.encode(expfmt.FmtOpenMetrics, body) })
	packed := 0
	told["gzip"] = p.middle(0.01, func(body *bytes.Buffer) {
		writer := gzip.NewWriter(body)
		p.encode(expfmt.FmtText, writer)
		if err := writer.Close(); err != nil {
			log.Fatal(err)
		}
		packed = body.Len()
	})
	told["packed"] = packed
	told["bytes"] = first.Len()
	if err := json.NewEncoder(os.Stdout).Encode(told); err != nil {
		log.Fatal(err)
	}
}
