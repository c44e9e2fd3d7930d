package dynamodb

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/dynamodb/attr"
)

// KeyElement is one part of a primary key: KeyType is HASH or RANGE.
type KeyElement struct{ AttributeName, KeyType string }

// Definition gives the type of a key attribute.
type Definition struct{ AttributeName, AttributeType string }

// Throughput is provisioned capacity; it is kept and shown, not enforced.
type Throughput struct{ ReadCapacityUnits, WriteCapacityUnits int64 }

// Warmth is the throughput that a table can serve at once; it is kept and shown.
type Warmth struct{ ReadUnitsPerSecond, WriteUnitsPerSecond int64 }

// Tag is a name with a value.
type Tag struct{ Key, Value string }

// SSE is the encryption that a table was created with; it is kept and shown.
type SSE struct {
	Enabled        bool
	KMSMasterKeyID string `json:"KMSMasterKeyId,omitempty"`
}

// record is a table as it is stored. A record in use is never changed, only replaced.
type record struct {
	// ID tells this table from an earlier one of the same name, so that no item of the old one can come back.
	ID         string
	Name       string
	Keys       []KeyElement
	Attributes []Definition
	OnDemand   bool
	Throughput Throughput
	Warm       *Warmth `json:",omitempty"`
	Created    time.Time
	Protected  bool
	Class      string `json:",omitempty"`
	SSE        SSE
	// TTL is the attribute with the time to live in seconds since the epoch; "" if there is none.
	TTL string `json:",omitempty"`
	// RecoveryDays is 0 without point-in-time recovery.
	RecoveryDays int
	RecoveryFrom time.Time
	Indexes      []index `json:",omitempty"`
	Tags         []Tag   `json:",omitempty"`
}

func (r record) arn() string { return arn.New("dynamodb", "table/"+r.Name) }

// partition and sort are the names of the key attributes; sort is "" if there is none.
func (r record) partition() string { return r.Keys[0].AttributeName }

func (r record) sort() string {
	if len(r.Keys) < 2 {
		return ""
	}
	return r.Keys[1].AttributeName
}

func isKey(keys []KeyElement, name string) bool {
	return slices.ContainsFunc(keys, func(k KeyElement) bool { return k.AttributeName == name })
}

func (r record) typeOf(key string) attr.Type {
	for _, d := range r.Attributes {
		if d.AttributeName == key {
			return attr.Type(d.AttributeType)
		}
	}
	return ""
}

// rows is the prefix of the rows of all items of the table.
func (r record) rows() string { return r.ID + "/" }

// Limits of keys. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
const (
	maxPartitionKey = 2048
	maxSortKey      = 1024
	maxItem         = 400 << 10
)

// row returns the row of an item that is to be written, by the keys in it.
func (r record) row(item attr.Item) (string, error) {
	for _, k := range r.Keys {
		v, ok := item[k.AttributeName]
		if !ok {
			return "", attr.Invalidf("One or more parameter values were invalid: Missing the key %s in the item", k.AttributeName)
		}
		if want := r.typeOf(k.AttributeName); v.Type != want {
			return "", attr.Invalidf("One or more parameter values were invalid: Type mismatch for key %s expected: %s actual: %s",
				k.AttributeName, want, v.Type)
		}
		if err := checkKey(k, v); err != nil {
			return "", err
		}
	}
	return string(appendKeys([]byte(r.rows()), r.Keys, item)), nil
}

// appendKeys appends the key attributes of an item to a row.
func appendKeys(row []byte, keys []KeyElement, item attr.Item) []byte {
	for _, k := range keys {
		row = attr.AppendKey(row, item[k.AttributeName])
	}
	return row
}

// keyRow returns the row of an item that is named by exactly its keys.
func (r record) keyRow(key attr.Item) (string, error) {
	if len(key) != len(r.Keys) || !r.hasKeys(r.Keys, key) {
		return "", errKeySchema()
	}
	return r.row(key)
}

// hasKeys reports whether an item has all of the keys, of their types.
func (r record) hasKeys(keys []KeyElement, item attr.Item) bool {
	return !slices.ContainsFunc(keys, func(k KeyElement) bool {
		v, ok := item[k.AttributeName]
		return !ok || v.Type != r.typeOf(k.AttributeName)
	})
}

func errKeySchema() error {
	return attr.Invalidf("The provided key element does not match the schema")
}

func checkKey(k KeyElement, v attr.Value) error {
	size := len(v.Str) + len(v.Bin)
	if size == 0 && v.Type != attr.Number {
		kind := "string"
		if v.Type == attr.Binary {
			kind = "binary"
		}
		return attr.Invalidf("One or more parameter values are not valid. The AttributeValue for a key attribute cannot "+
			"contain an empty %s value. Key: %s", kind, k.AttributeName)
	}
	if k.KeyType == "HASH" && size > maxPartitionKey {
		return attr.Invalidf("One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of%d bytes",
			maxPartitionKey)
	}
	if k.KeyType == "RANGE" && size > maxSortKey {
		return attr.Invalidf("One or more parameter values were invalid: Aggregated size of all range keys has exceeded "+
			"the size limit of %d bytes", maxSortKey)
	}
	return nil
}

// table finds a table by name or ARN.
func (s *Service) table(name string) (record, error) {
	if name == "" {
		return record{}, attr.Invalidf("1 validation error detected: Value null at 'tableName' failed to satisfy constraint: " +
			"Member must not be null")
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	rec, ok := s.tables[tableName(name)]
	if !ok {
		return rec, errNoTable()
	}
	return rec, nil
}

// current returns the record of a table as it is now. The caller holds the lock of a row, so that the table and its
// indexes stay as they are.
func (s *Service) current(rec record) (record, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	now, ok := s.tables[rec.Name]
	if !ok || now.ID != rec.ID {
		return rec, errNoTable()
	}
	return now, nil
}

// described is table with the error that operations on tables give.
func (s *Service) described(name string) (record, error) {
	rec, err := s.table(name)
	if err != nil && name != "" {
		e := errNoTable()
		e.Message = fmt.Sprintf("Requested resource not found: Table: %s not found", tableName(name))
		return rec, e
	}
	return rec, err
}

// tableName returns the name in an ARN, or the name itself.
func tableName(nameOrARN string) string {
	if a, ok := arn.Parse(nameOrARN); ok {
		return strings.TrimPrefix(a.Resource, "table/")
	}
	return nameOrARN
}
