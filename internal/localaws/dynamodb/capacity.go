package dynamodb

import (
	"maps"
	"slices"

	"github.com/the-alchemiser/alchemiser/internal/localaws/dynamodb/attr"
)

// Consumed tells what a request cost at a table, in capacity units.
type Consumed struct {
	TableName          string
	CapacityUnits      float64
	ReadCapacityUnits  float64       `json:",omitempty"`
	WriteCapacityUnits float64       `json:",omitempty"`
	Table              *consumedPart `json:",omitempty"`
}

type consumedPart struct {
	CapacityUnits      float64
	ReadCapacityUnits  float64 `json:",omitempty"`
	WriteCapacityUnits float64 `json:",omitempty"`
}

// How many units a unit of data costs.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
const (
	readUnit      = 4 << 10
	writeUnit     = 1 << 10
	transactional = 2.0
)

// readFactor is half for reads that may be stale.
func readFactor(consistent bool) float64 {
	if consistent {
		return 1
	}
	return 0.5
}

// meter adds up what a request costs at each table. A nil meter counts nothing: nobody asked.
type meter struct {
	// parts says that the table itself is told apart from its indexes.
	parts  bool
	tables map[string]Consumed
}

// newMeter returns the meter for what ReturnConsumedCapacity asks for.
func newMeter(asked string) (*meter, error) {
	if err := checkEnum(asked, "returnConsumedCapacity", "INDEXES", "TOTAL", "NONE"); err != nil {
		return nil, err
	}
	if asked == "" || asked == "NONE" {
		return nil, nil
	}
	return &meter{parts: asked == "INDEXES", tables: map[string]Consumed{}}, nil
}

// read counts bytes that were read at once; nothing costs as much as a little.
func (m *meter) read(table record, bytes int, factor float64) {
	m.add(table, units(bytes, readUnit)*factor, 0, factor)
}

// write counts the larger of the item before and after.
func (m *meter) write(table record, old, next attr.Item, factor float64) {
	if m == nil {
		return // sizes take time
	}
	m.add(table, 0, units(max(old.Size(), next.Size()), writeUnit)*factor, factor)
}

func (m *meter) add(table record, read, write, factor float64) {
	if m == nil {
		return
	}
	c := m.tables[table.Name]
	c.TableName = table.Name
	c.CapacityUnits += read + write
	if factor == transactional {
		c.ReadCapacityUnits += read
		c.WriteCapacityUnits += write
	}
	if m.parts {
		c.Table = &consumedPart{c.CapacityUnits, c.ReadCapacityUnits, c.WriteCapacityUnits}
	}
	m.tables[table.Name] = c
}

func units(bytes, unit int) float64 { return float64(max(1, (bytes+unit-1)/unit)) }

// list returns what was counted, by table.
func (m *meter) list() []Consumed {
	if m == nil {
		return nil
	}
	var out []Consumed
	for _, table := range slices.Sorted(maps.Keys(m.tables)) {
		out = append(out, m.tables[table])
	}
	return out
}

// one is list for a request about a single table.
func (m *meter) one() *Consumed {
	if all := m.list(); len(all) > 0 {
		return &all[0]
	}
	return nil
}
