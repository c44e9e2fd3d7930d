package delivery

import (
	"context"
	"time"
)

// Source is a service whose queues another service reads. It is safe for concurrent use.
type Source interface {
	// Visibility returns for how long a queue hides what is received from it. Unless the store fails, its error is the
	// queue service's own answer.
	Visibility(ctx context.Context, arn string) (time.Duration, error)
	// Take receives up to ten messages of a queue. While there are none it waits for one, until the time is up or ctx ends;
	// then it returns none. Messages that are not settled come again when they are no longer hidden.
	Take(ctx context.Context, arn string, limit int, wait time.Duration) ([]Taken, error)
	// Settle deletes messages by their receipts. A receipt that a later receive has overtaken deletes nothing.
	Settle(ctx context.Context, arn string, receipts []string) error
}

// Taken is a message that was received from a queue.
type Taken struct {
	ID, Receipt, Body string
	// Attributes are those of the queue, such as SentTimestamp; MessageAttributes are the sender's.
	Attributes        map[string]string
	MessageAttributes map[string]Attribute
	// MD5OfBody and MD5OfAttributes are digests; the latter is empty if there are no attributes.
	MD5OfBody, MD5OfAttributes string
}

// Attribute is a typed attribute of a message: it has one of the two values.
type Attribute struct {
	DataType string
	String   *string
	Binary   []byte
}
