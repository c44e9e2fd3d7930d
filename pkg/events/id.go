package events

import (
	"fmt"

	"github.com/google/uuid"
)

// namespace makes our UUIDv5 ids distinct from anybody else's; it must never change, or redelivered events would
// get new ids.
var namespace = uuid.MustParse("b5f1c7ce-3f0b-5d0c-9c39-0a3a9be0f3c1")

// FollowID returns the id of the ordinal-th event of type t that follows from the event causationID: a UUIDv5
// (RFC 9562, section 5.5) of the three.
func FollowID(causationID string, t Type, ordinal int) string {
	return DeriveID(causationID, string(t), fmt.Sprint(ordinal))
}

// DeriveID returns a UUIDv5 of parts. Parts are joined unambiguously: ("ab","c") and ("a","bc") differ.
func DeriveID(parts ...string) string {
	var name []byte
	for _, p := range parts {
		name = fmt.Appendf(name, "%d:%s", len(p), p)
	}
	return uuid.NewSHA1(namespace, name).String()
}
