// Command schemagen writes what is generated from the Go types of the events: a JSON Schema per type under
// pkg/events/schema, and docs/events.md. It runs in its own folder, by go generate.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "schemagen:", err)
		os.Exit(1) //nolint:forbidigo // this is a main
	}
}

func run() error {
	files, err := generate()
	if err != nil {
		return err
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.FromSlash(name), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// generate returns the content of every generated file by its path from this folder.
func generate() (map[string][]byte, error) {
	schemas, err := reflectSchemas()
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{"../../../docs/events.md": page(schemas)}
	for _, s := range schemas.types {
		content, err := marshal(s.schema)
		if err != nil {
			return nil, err
		}
		files["../schema/"+s.name+".json"] = content
	}
	return files, nil
}
