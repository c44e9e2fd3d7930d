// Package events is the schema of everything that travels on the bus: one envelope, one codec, one file per event
// type. It does not know any transport.
package events
