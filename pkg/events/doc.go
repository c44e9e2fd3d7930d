// Package events is the schema of everything that travels on the bus: one envelope, one codec, one file per event
// type. The Go structs are the source; the JSON Schemas under schema/ and docs/events.md are generated from them.
//
// To add a type, write its file (the struct and its Validate), add it to catalogue in registry.go, and run
// go generate. A test fails for a type that is not in the catalogue.
//
// The package does not know any transport, does no I/O and keeps no state; all of it is safe for concurrent use.
package events

//go:generate go -C schemagen run .
