package dynamodb

import (
	"github.com/the-alchemiser/alchemiser/internal/localaws/dynamodb/attr"
	"github.com/the-alchemiser/alchemiser/internal/localaws/dynamodb/expr"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
)

// source is what a query or scan reads: a table or one of its indexes.
type source struct {
	table record
	// index is nil for the table itself.
	index *index
	keys  []KeyElement
	rows  state.Table[attr.Item]
	// prefix is what all of its rows begin with.
	prefix string
	// whole says that what the index lacks of an item is read from the table.
	whole bool
}

func (s *Service) source(table, name string) (source, error) {
	rec, err := s.table(table)
	if err != nil {
		return source{}, err
	}
	if name == "" {
		return source{table: rec, keys: rec.Keys, rows: s.items, prefix: rec.rows()}, nil
	}
	x, err := rec.index(name)
	if err != nil {
		return source{}, err
	}
	return source{table: rec, index: x, keys: x.Keys, rows: s.indexed, prefix: x.rows(rec)}, nil
}

func (f source) partition() string { return f.keys[0].AttributeName }

// sort is "" if there is no sort key.
func (f source) sort() string {
	if len(f.keys) < 2 {
		return ""
	}
	return f.keys[1].AttributeName
}

// keyOf returns what names an item within the source.
func (f source) keyOf(item attr.Item) attr.Item {
	key := attr.Item{}
	for _, keys := range [][]KeyElement{f.keys, f.table.Keys} {
		for _, k := range keys {
			key[k.AttributeName] = item[k.AttributeName]
		}
	}
	return key
}

// row returns the row that a key of the form of keyOf names.
func (f source) row(key attr.Item) (string, error) {
	wrong := attr.Invalidf("The provided starting key is invalid: The provided key element does not match the schema")
	if len(key) != len(f.keyOf(key)) || !f.table.hasKeys(f.keys, key) || !f.table.hasKeys(f.table.Keys, key) {
		return "", wrong
	}
	row, err := f.table.row(key)
	if err != nil {
		return "", wrong
	}
	if f.index != nil {
		row, _ = f.index.row(f.table, row, key)
	}
	return row, nil
}

// check refuses what the source cannot give, and notes whether the table has to help. paths is the projection, if there is
// one.
func (f *source) check(in ReadInput, paths []expr.Path) error {
	if f.index == nil {
		if in.Select == "ALL_PROJECTED_ATTRIBUTES" {
			return attr.Invalidf("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
		}
		return nil
	}
	if f.index.Global && in.ConsistentRead {
		return attr.Invalidf("Consistent reads are not supported on global secondary indexes")
	}
	f.whole = in.Select == "ALL_ATTRIBUTES" && f.index.Projection.ProjectionType != "ALL"
	if f.whole && f.index.Global {
		return attr.Invalidf("One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global "+
			"secondary index %s because its projection type is not ALL", f.index.Name)
	}
	for _, path := range paths {
		if f.index.projects(f.table, path[0].Name) {
			continue
		}
		if f.index.Global {
			return attr.Invalidf("One or more parameter values were invalid: Global secondary index %s does not project %s",
				f.index.Name, path)
		}
		f.whole = true
	}
	return nil
}
