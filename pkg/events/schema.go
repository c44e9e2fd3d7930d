package events

import "embed"

//go:embed schema/*.json
var schemaFiles embed.FS

// Schema returns the JSON Schema (draft 2020-12) of the detail of events of type t, for consumers that are not written
// in Go. It is generated from the Go types; what it cannot say, such as that weights sum to 1, Validate says.
func Schema(t Type) ([]byte, bool) {
	raw, err := schemaFiles.ReadFile("schema/" + string(t) + ".json")
	return raw, err == nil
}
