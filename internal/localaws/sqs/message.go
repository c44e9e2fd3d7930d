package sqs

import (
	"crypto/md5" //nolint:gosec // SQS defines these digests as MD5
	"encoding/binary"
	"encoding/hex"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// MessageAttribute is a typed attribute that travels with a message.
type MessageAttribute struct {
	DataType    string
	StringValue *string `json:",omitempty"`
	BinaryValue []byte  `json:",omitempty"`
}

// message is what does not change while a message lies in a queue.
type message struct {
	ID         string
	Body       string
	Attributes map[string]MessageAttribute `json:",omitempty"`
	Trace      string                      `json:",omitempty"`
	Group      string                      `json:",omitempty"`
	Sender     string
	// Sent and Due are milliseconds since the epoch: when it was sent and when it may be received first.
	Sent int64
	Due  int64
	// Source is the ARN of the queue that the message was moved from because nobody could handle it.
	Source string `json:",omitempty"`
}

// size is what counts against the size limits: the body and the name, type and value of every attribute.
func (m message) size() int {
	n := len(m.Body)
	for name, a := range m.Attributes {
		n += len(name) + len(a.DataType) + len(a.BinaryValue)
		if a.StringValue != nil {
			n += len(*a.StringValue)
		}
	}
	return n
}

var (
	attributeName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,256}$`)
	messageGroup  = regexp.MustCompile("^[A-Za-z0-9!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~]{1,128}$")
	batchID       = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)
)

// validate checks what AWS checks of every message, whatever the queue.
func (m message) validate() error {
	if m.Body == "" {
		return errMissing("MessageBody")
	}
	if !printable(m.Body) {
		return fail("InvalidMessageContents", "InvalidMessageContents",
			"Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF")
	}
	if len(m.Attributes) > 10 {
		return errValue("Number of message attributes [%d] exceeds the allowed maximum [10].", len(m.Attributes))
	}
	for name, a := range m.Attributes {
		if err := a.validate(name); err != nil {
			return err
		}
	}
	return nil
}

func (a MessageAttribute) validate(name string) error {
	lower := strings.ToLower(name)
	if !attributeName.MatchString(name) || strings.HasPrefix(lower, "aws.") || strings.HasPrefix(lower, "amazon.") ||
		strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".") || strings.Contains(name, "..") {
		return errValue("Message (user) attribute name '%s' is not valid.", name)
	}
	kind, _, _ := strings.Cut(a.DataType, ".")
	switch kind {
	case "String", "Number":
		if a.StringValue == nil || *a.StringValue == "" {
			return errValue("Message (user) attribute '%s' must contain a non-empty value of type 'String'.", name)
		}
		if !printable(*a.StringValue) {
			return errValue("Message (user) attribute '%s' contains characters that are not valid.", name)
		}
	case "Binary":
		if len(a.BinaryValue) == 0 {
			return errValue("Message (user) attribute '%s' must contain a non-empty value of type 'Binary'.", name)
		}
	default:
		return errValue("The message attribute '%s' has an invalid message attribute type, the set of supported type "+
			"prefixes is Binary, Number, and String.", name)
	}
	return nil
}

// printable reports whether s holds only the characters that SQS takes, those of XML 1.0.
func printable(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == 0xfffe || r == 0xffff {
			return false
		}
	}
	return true
}

func digest(s string) string {
	sum := md5.Sum([]byte(s)) //nolint:gosec // see the import
	return hex.EncodeToString(sum[:])
}

// digestAttributes returns the digest by which clients check attributes, or "" if there are none.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html#sqs-attributes-md5-message-digest-calculation
func digestAttributes(attributes map[string]MessageAttribute) string {
	if len(attributes) == 0 {
		return ""
	}
	var b []byte
	write := func(s string) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		a := attributes[name]
		write(name)
		write(a.DataType)
		if strings.HasPrefix(a.DataType, "Binary") {
			b = append(b, 2)
			write(string(a.BinaryValue))
			continue
		}
		b = append(b, 1)
		write(*a.StringValue)
	}
	return digest(string(b))
}
