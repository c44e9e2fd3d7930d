package dynamodb

import (
	"maps"
	"regexp"
	"slices"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/dynamodb/attr"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
)

// Quotas of secondary indexes. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
const (
	maxGlobalIndexes = 20
	maxLocalIndexes  = 5
)

// Projection says which attributes an index holds besides the keys.
type Projection struct {
	ProjectionType   string
	NonKeyAttributes []string `json:",omitempty"`
}

// IndexSettings describe a secondary index.
type IndexSettings struct {
	IndexName             string
	KeySchema             []KeyElement
	Projection            Projection
	ProvisionedThroughput *Throughput
}

// IndexUpdate is one of three changes of a global index.
type IndexUpdate struct {
	Create, Update *IndexSettings
	Delete         *struct{ IndexName string }
}

// index is a secondary index as it is stored. A row of it is what it projects of an item; the rows are in the order of
// its keys and then of the table's.
type index struct {
	Name       string
	Global     bool
	Keys       []KeyElement
	Projection Projection
	Throughput Throughput
}

func (x index) arn(table record) string {
	return arn.New("dynamodb", "table/"+table.Name+"/index/"+x.Name)
}

// rows is the prefix of the rows of the index of the table.
func (x index) rows(table record) string { return table.rows() + x.Name + "/" }

// row returns the row of the index for an item; ok is false if the item has not all of its keys.
func (x index) row(table record, row string, item attr.Item) (key string, ok bool) {
	if !table.hasKeys(x.Keys, item) {
		return "", false
	}
	return string(appendKeys([]byte(x.rows(table)), x.Keys, item)) + row[len(table.rows()):], true
}

// project returns what the index holds of an item.
func (x index) project(table record, item attr.Item) attr.Item {
	if item == nil || x.Projection.ProjectionType == "ALL" {
		return item
	}
	out := attr.Item{}
	for name, v := range item {
		if x.projects(table, name) {
			out[name] = v
		}
	}
	return out
}

// projects reports whether the index holds an attribute.
func (x index) projects(table record, name string) bool {
	return x.Projection.ProjectionType == "ALL" || isKey(table.Keys, name) || isKey(x.Keys, name) ||
		slices.Contains(x.Projection.NonKeyAttributes, name)
}

// checkIndexed refuses an item whose attribute is the key of an index and cannot be one.
func (r record) checkIndexed(item attr.Item) error {
	for _, x := range r.Indexes {
		for _, k := range x.Keys {
			v, ok := item[k.AttributeName]
			if !ok {
				continue // then the index does not hold the item
			}
			if want := r.typeOf(k.AttributeName); v.Type != want {
				return attr.Invalidf("One or more parameter values were invalid: Type mismatch for Index Key %s Expected: %s Actual: %s "+
					"IndexName: %s", k.AttributeName, want, v.Type, x.Name)
			}
			if v.Type != attr.Number && len(v.Str)+len(v.Bin) == 0 {
				return attr.Invalidf("One or more parameter values are not valid. A value specified for a secondary index key is not "+
					"supported. The AttributeValue for a key attribute cannot contain an empty string value. IndexName: %s, IndexKey: %s",
					x.Name, k.AttributeName)
			}
			if err := checkKey(k, v); err != nil {
				return err
			}
		}
	}
	return nil
}

// indexTx brings the indexes from the old item to the next; nil is no item.
func (s *Service) indexTx(tx *state.Tx, rec record, row string, old, next attr.Item) {
	for _, x := range rec.Indexes {
		before, had := x.row(rec, row, old)
		after, has := x.row(rec, row, next)
		if had && (!has || before != after) {
			s.indexed.DeleteTx(tx, before)
		}
		if has {
			s.indexed.PutTx(tx, after, x.project(rec, next))
		}
	}
}

var validIndexName = regexp.MustCompile(`^[a-zA-Z0-9_.-]{3,255}$`)

// newIndex checks the settings of an index on a table.
func newIndex(table record, in IndexSettings, global bool) (index, error) {
	x := index{Name: in.IndexName, Global: global, Keys: in.KeySchema, Projection: in.Projection}
	wrong := func(format string, args ...any) (index, error) {
		return x, attr.Invalidf("One or more parameter values were invalid: "+format, args...)
	}
	if !validIndexName.MatchString(x.Name) {
		return x, constraint("'"+x.Name+"'", "indexName", "satisfy regular expression pattern: [a-zA-Z0-9_.-]+")
	}
	if slices.ContainsFunc(table.Indexes, func(other index) bool { return other.Name == x.Name }) {
		return wrong("Duplicate index name: %s", x.Name)
	}
	if err := checkKeys(x.Keys); err != nil {
		return x, err
	}
	if !global {
		switch {
		case table.sort() == "":
			return wrong("Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex")
		case len(x.Keys) < 2:
			return wrong("Index KeySchema does not have a range key for index: %s", x.Name)
		case x.Keys[0].AttributeName != table.partition():
			return wrong("Index KeySchema does not have the same leading hash key as table KeySchema for index: %s. index hash key: %s, "+
				"table hash key: %s", x.Name, x.Keys[0].AttributeName, table.partition())
		}
	}
	switch p := x.Projection; {
	case p.ProjectionType == "":
		return wrong("Unknown ProjectionType: null")
	case p.ProjectionType == "INCLUDE" && len(p.NonKeyAttributes) == 0:
		return wrong("ProjectionType is INCLUDE, but NonKeyAttributes is not specified")
	case p.ProjectionType != "INCLUDE" && len(p.NonKeyAttributes) > 0:
		return wrong("ProjectionType is %s, but NonKeyAttributes is specified", p.ProjectionType)
	}
	if err := checkEnum(x.Projection.ProjectionType, "projection.projectionType", "ALL", "INCLUDE", "KEYS_ONLY"); err != nil {
		return x, err
	}
	switch {
	case !global || table.OnDemand:
	case in.ProvisionedThroughput == nil:
		return wrong("ProvisionedThroughput must be specified for index: %s", x.Name)
	default:
		x.Throughput = *in.ProvisionedThroughput
	}
	return x, nil
}

// addIndexes makes the indexes that a new table has.
func (r *record) addIndexes(local, global []IndexSettings) error {
	if len(local) > maxLocalIndexes || len(global) > maxGlobalIndexes {
		return attr.Invalidf("One or more parameter values were invalid: Number of secondary indexes exceeds the limits of %d local and "+
			"%d global ones", maxLocalIndexes, maxGlobalIndexes)
	}
	for i, in := range slices.Concat(local, global) {
		x, err := newIndex(*r, in, i >= len(local))
		if err != nil {
			return err
		}
		r.Indexes = append(r.Indexes, x)
	}
	return r.checkDefinitions()
}

// checkDefinitions checks that exactly the key attributes have types.
func (r record) checkDefinitions() error {
	types := map[string]string{}
	for _, d := range r.Attributes {
		if err := checkEnum(d.AttributeType, "attributeDefinitions.1.member.attributeType", "B", "N", "S"); err != nil {
			return err
		}
		types[d.AttributeName] = d.AttributeType
	}
	used := map[string]bool{}
	for _, k := range r.allKeys() {
		if types[k.AttributeName] == "" {
			return attr.Invalidf("One or more parameter values were invalid: Some index key attributes are not defined in "+
				"AttributeDefinitions. Keys: [%s], AttributeDefinitions: %v", k.AttributeName, slices.Sorted(maps.Keys(types)))
		}
		used[k.AttributeName] = true
	}
	switch {
	case len(types) == len(used):
		return nil
	case len(r.Indexes) == 0:
		return attr.Invalidf("One or more parameter values were invalid: Number of attributes in KeySchema does not exactly " +
			"match number of attributes defined in AttributeDefinitions")
	}
	return attr.Invalidf("One or more parameter values were invalid: Some AttributeDefinitions are not used. AttributeDefinitions: %v, "+
		"keys used: %v", slices.Sorted(maps.Keys(types)), slices.Sorted(maps.Keys(used)))
}

// allKeys are the keys of the table and of its indexes.
func (r record) allKeys() []KeyElement {
	keys := slices.Clone(r.Keys)
	for _, x := range r.Indexes {
		keys = append(keys, x.Keys...)
	}
	return keys
}

// index finds an index of the table.
func (r record) index(name string) (*index, error) {
	for i := range r.Indexes {
		if r.Indexes[i].Name == name {
			return &r.Indexes[i], nil
		}
	}
	return nil, attr.Invalidf("The table does not have the specified index: %s", name)
}

// ItemCollection are the items of one partition of a table with local indexes.
type ItemCollection struct {
	ItemCollectionKey attr.Item
	// SizeEstimateRangeGB is always that of less than a gigabyte: nothing limits collections here.
	SizeEstimateRangeGB [2]float64
}

// collection is the one that a write has changed; nil if nobody asked or the table has no local indexes.
func (w write) collection(asked string) *ItemCollection {
	if asked != "SIZE" || w.verb == check || !slices.ContainsFunc(w.table.Indexes, func(x index) bool { return !x.Global }) {
		return nil
	}
	item := w.key
	if w.verb == put {
		item = w.item
	}
	name := w.table.partition()
	return &ItemCollection{ItemCollectionKey: attr.Item{name: item[name]}, SizeEstimateRangeGB: [2]float64{0, 1}}
}

// collections are those that writes have changed, by table.
func collections(writes []write, asked string) map[string][]ItemCollection {
	out := map[string][]ItemCollection{}
	for _, w := range writes {
		if c := w.collection(asked); c != nil {
			out[w.table.Name] = append(out[w.table.Name], *c)
		}
	}
	return out
}
