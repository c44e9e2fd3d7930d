// Command pagegen writes docs/local-endpoint.md: what this folder's intro.md says of the endpoint as a whole, then what the
// registry of the services and their package comments say of each. It runs in its own folder, by go generate.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

const target = "../../../docs/local-endpoint.md"

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "pagegen:", err)
		os.Exit(1)
	}
}

func run() error {
	text, err := page()
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.FromSlash(target), text, 0o644)
}
