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
	ReadCapacityUnits  float64 `json:",omitempty"`
	WriteCapacityUnits float64 `json:",omitempty"`
	// What of it was the table's and what the indexes', if that was asked for.
	Table                  *consumedPart           `json:",omitempty"`
	LocalSecondaryIndexes  map[string]consumedPart `json:",omitempty"`
	GlobalSecondaryIndexes map[string]consumedPart `json:",omitempty"`
}

type consumedPart struct{ CapacityUnits float64 }

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

// meter adds up what a request costs at each table. A nil meter counts nothing: nobody wants to know.
type meter struct {
	// asked says that the answer tells, parts that it tells the table apart from its indexes.
	asked, parts bool
	tables       map[string]Consumed
	// measure counts for CloudWatch.
	measure func(table record, x *index, metric string, value float64)
}

// newMeter returns the meter for what ReturnConsumedCapacity asks for.
func (s *Service) newMeter(asked string) (*meter, error) {
	if err := checkEnum(asked, "returnConsumedCapacity", "INDEXES", "TOTAL", "NONE"); err != nil {
		return nil, err
	}
	m := &meter{asked: asked != "" && asked != "NONE", parts: asked == "INDEXES", tables: map[string]Consumed{}, measure: s.measure}
	if !m.asked && s.cfg.Metrics == nil {
		m = nil
	}
	return m, nil
}

// measure counts what happened at a table or at one of its indexes.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
func (s *Service) measure(table record, x *index, metric string, value float64) {
	if s.cfg.Metrics == nil || value == 0 {
		return
	}
	dimensions := map[string]string{"TableName": table.Name}
	if x != nil && x.Global {
		dimensions["GlobalSecondaryIndexName"] = x.Name
	}
	s.cfg.Metrics.Count("AWS/DynamoDB", metric, dimensions, value, "Count")
}

// read counts bytes that were read at once; nothing costs as much as a little.
func (m *meter) read(from source, bytes int, factor float64) {
	m.add(from.table, from.index, units(bytes, readUnit)*factor, 0, factor)
}

// write counts the larger of the item before and after, and what changes in the indexes.
func (m *meter) write(table record, old, next attr.Item, factor float64) {
	if m == nil {
		return // sizes take time
	}
	m.add(table, nil, 0, units(max(old.Size(), next.Size()), writeUnit)*factor, factor)
	for _, x := range table.Indexes {
		had, has := table.hasKeys(x.Keys, old), table.hasKeys(x.Keys, next)
		before, after := x.project(table, old), x.project(table, next)
		switch {
		case had && has && !maps.EqualFunc(before, after, attr.Value.Equal):
			m.add(table, &x, 0, units(max(before.Size(), after.Size()), writeUnit)*factor, factor)
		case had && !has:
			m.add(table, &x, 0, units(before.Size(), writeUnit)*factor, factor)
		case has && !had:
			m.add(table, &x, 0, units(after.Size(), writeUnit)*factor, factor)
		}
	}
}

// add counts units at a table, of an index if one is given.
func (m *meter) add(table record, x *index, read, write, factor float64) {
	if m == nil {
		return
	}
	m.measure(table, x, "ConsumedReadCapacityUnits", read)
	m.measure(table, x, "ConsumedWriteCapacityUnits", write)
	c := m.tables[table.Name]
	c.TableName = table.Name
	c.CapacityUnits += read + write
	if factor == transactional {
		c.ReadCapacityUnits += read
		c.WriteCapacityUnits += write
	}
	if m.parts {
		c.part(x, read+write)
	}
	m.tables[table.Name] = c
}

// part adds units to the table's, or to those of an index.
func (c *Consumed) part(x *index, n float64) {
	if c.Table == nil {
		c.Table = &consumedPart{}
	}
	var parts *map[string]consumedPart
	switch {
	case x == nil:
		c.Table.CapacityUnits += n
		return
	case x.Global:
		parts = &c.GlobalSecondaryIndexes
	default:
		parts = &c.LocalSecondaryIndexes
	}
	if *parts == nil {
		*parts = map[string]consumedPart{}
	}
	(*parts)[x.Name] = consumedPart{(*parts)[x.Name].CapacityUnits + n}
}

func units(bytes, unit int) float64 { return float64(max(1, (bytes+unit-1)/unit)) }

// list returns what was counted, by table.
func (m *meter) list() []Consumed {
	if m == nil || !m.asked {
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
