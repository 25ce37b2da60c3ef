#!/bin/sh
# Makes the certificates of the TLS tests: made-up names, valid for a century, worth nothing anywhere else.
set -eu
cd "$(dirname "$0")"
days=36500

authority() { # file, name
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc -days $days \
        -subj "/CN=$2" -keyout "$1.key" -out "$1.pem"
}

signed() { # file, name, alternative names
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc -subj "/CN=$2" -keyout "$1.key" -out "$1.csr"
    printf 'subjectAltName=%s\nbasicConstraints=CA:FALSE\n' "$3" >"$1.ext"
    openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days $days -extfile "$1.ext" -out "$1.pem"
    rm "$1.csr" "$1.ext"
}

authority ca "Test authority"
authority stranger "Nobody's authority"
signed server "First server" "DNS:localhost,IP:127.0.0.1"
signed renewed "Renewed server" "DNS:localhost,IP:127.0.0.1"
signed client "Scraper" "DNS:scraper.example,email:scraper@example.org"
rm -f ca.key ca.srl
