// gorilla/websocket as a receiver: receiver URL COUNT DIGEST [CERTIFICATE].
package main

import (
	"crypto/sha1"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"log"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/gorilla/websocket"
)

func cpu() float64 {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		log.Fatal(err)
	}
	return float64(used.Utime.Sec+used.Stime.Sec) + float64(used.Utime.Usec+used.Stime.Usec)/1e6
}

func main() {
	count, err := strconv.Atoi(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	digest := os.Args[3] == "1"
	dialer := websocket.Dialer{ReadBufferSize: 1 << 16}
	if len(os.Args) > 4 {
		certificate, err := os.ReadFile(os.Args[4])
		if err != nil {
			log.Fatal(err)
		}
		trusted := x509.NewCertPool()
		trusted.AppendCertsFromPEM(certificate)
		dialer.TLSClientConfig = &tls.Config{RootCAs: trusted}
	}
	link, _, err := dialer.Dial(os.Args[1], nil)
	if err != nil {
		log.Fatal(err)
	}
	sum := sha1.New()
	bytes := 0
	began, used := time.Now(), cpu()
	for i := 0; i < count; i++ {
		_, message, err := link.ReadMessage()
		if err != nil {
			log.Fatal(err)
		}
		bytes += len(message)
		if digest {
			sum.Write(message)
			sum.Write([]byte{'\n'})
		}
	}
	told := map[string]interface{}{
		"seconds": time.Since(began).Seconds(), "cpu": cpu() - used,
		"messages": count, "bytes": bytes, "digest": hex.EncodeToString(sum.Sum(nil)),
	}
	if err := json.NewEncoder(os.Stdout).Encode(told); err != nil {
		log.Fatal(err)
	}
}
