package expr

import (
	"maps"
	"slices"

	"github.com/the-alchemiser/alchemiser/internal/localaws/dynamodb/attr"
)

// Update is a parsed update expression. It is safe for concurrent use.
type Update struct {
	sets    []assignment
	removes []Path
	adds    []change
	deletes []change
}

type assignment struct {
	path Path
	from term
}

type change struct {
	path Path
	with attr.Value
}

// ParseUpdate reads an update expression.
func ParseUpdate(text string, env *Env) (*Update, error) {
	p, err := newParser(UpdateExpression, text, env)
	if err != nil {
		return nil, err
	}
	u := &Update{}
	clauses := map[string]func() error{
		"SET": func() error { return p.assignment(u) }, "REMOVE": func() error { return p.removal(u) },
		"ADD": func() error { return p.change("ADD", &u.adds) }, "DELETE": func() error { return p.change("DELETE", &u.deletes) },
	}
	seen := map[string]bool{}
	for p.peek().kind != tokenEnd {
		clause := ""
		for name := range clauses {
			if p.keyword(name) {
				clause = name
				break
			}
		}
		if clause == "" {
			return nil, p.syntax()
		}
		if seen[clause] {
			return nil, p.kind.errorf("The %q section can only be used once in an update expression;", clause)
		}
		seen[clause] = true
		for {
			if err := clauses[clause](); err != nil {
				return nil, err
			}
			if !p.symbol(",") {
				break
			}
		}
	}
	return u, checkDistinct(UpdateExpression, u.Paths())
}

// Paths are the places that the update writes.
func (u *Update) Paths() []Path {
	var paths []Path
	for _, a := range u.sets {
		paths = append(paths, a.path)
	}
	paths = append(paths, u.removes...)
	for _, c := range slices.Concat(u.adds, u.deletes) {
		paths = append(paths, c.path)
	}
	return paths
}

func (p *parser) assignment(u *Update) error {
	path, err := p.path()
	if err != nil {
		return err
	}
	if err := p.expect("="); err != nil {
		return err
	}
	from, err := p.sum()
	if err != nil {
		return err
	}
	u.sets = append(u.sets, assignment{path, from})
	return nil
}

func (p *parser) removal(u *Update) error {
	path, err := p.path()
	if err != nil {
		return err
	}
	u.removes = append(u.removes, path)
	return nil
}

// typeNames are the names of types in the messages about ADD and DELETE.
var typeNames = map[attr.Type]string{
	attr.String: "STRING", attr.Number: "NUMBER", attr.Binary: "BINARY", attr.Bool: "BOOLEAN", attr.Null: "NULL",
	attr.List: "LIST", attr.Map: "MAP", attr.StringSet: "STRING_SET", attr.NumberSet: "NUMBER_SET", attr.BinarySet: "BINARY_SET",
}

func (p *parser) change(clause string, into *[]change) error {
	path, err := p.path()
	if err != nil {
		return err
	}
	v, err := p.value()
	if err != nil {
		return err
	}
	if !v.IsSet() && (clause == "DELETE" || v.Type != attr.Number) {
		return p.kind.errorf("Incorrect operand type for operator or function; operator: %s, operand type: %s, "+
			"typeSet: ALLOWED_FOR_%s_OPERAND", clause, typeNames[v.Type], clause)
	}
	*into = append(*into, change{path, v})
	return nil
}

// Apply returns the item as it is after the update; the given one stays as it is. All values come from the item as it
// was before.
func (u *Update) Apply(item attr.Item) (attr.Item, error) {
	doc := attr.Value{Type: attr.Map, Map: item}
	var err error
	// Removed list elements leave a gap until the end, so that all indices mean those of the item before.
	for _, path := range u.removes {
		doc, err = edit(doc, path, func(attr.Value, bool) (attr.Value, error) { return attr.Value{}, nil })
		if err != nil {
			return nil, err
		}
	}
	// Elements set beyond the end of a list are appended in the order of their indices.
	sets := slices.SortedStableFunc(slices.Values(u.sets), func(a, b assignment) int { return a.path.compare(b.path) })
	for _, s := range sets {
		v, err := s.from.result(item)
		if err != nil {
			return nil, err
		}
		doc, err = edit(doc, s.path, func(attr.Value, bool) (attr.Value, error) { return v, nil })
		if err != nil {
			return nil, err
		}
	}
	for _, c := range u.adds {
		if doc, err = edit(doc, c.path, c.add); err != nil {
			return nil, err
		}
	}
	for _, c := range u.deletes {
		if doc, err = edit(doc, c.path, c.subtract); err != nil {
			return nil, err
		}
	}
	for _, path := range u.removes {
		if path[len(path)-1].IsIndex {
			doc = closeGaps(doc, path[:len(path)-1])
		}
	}
	return doc.Map, nil
}

func (c change) add(old attr.Value, exists bool) (attr.Value, error) {
	switch {
	case !exists:
		return c.with, nil
	case old.Type != c.with.Type:
		return old, errOperandType()
	case old.Type == attr.Number:
		n, err := attr.CheckNumber(old.Num.Add(c.with.Num))
		return attr.Value{Type: attr.Number, Num: n}, err
	}
	return old.Union(c.with), nil
}

func (c change) subtract(old attr.Value, exists bool) (attr.Value, error) {
	if !exists {
		return attr.Value{}, nil
	}
	if old.Type != c.with.Type {
		return old, errOperandType()
	}
	rest, ok := old.Subtract(c.with)
	if !ok {
		return attr.Value{}, nil
	}
	return rest, nil
}

// edit returns a copy of doc with the value at path replaced by what f makes of it; a Value without a type removes it.
func edit(doc attr.Value, path Path, f func(old attr.Value, exists bool) (attr.Value, error)) (attr.Value, error) {
	step, last := path[0], len(path) == 1
	old, exists := step.in(doc)
	if !exists && !last || doc.Type != attr.Map && !step.IsIndex || doc.Type != attr.List && step.IsIndex {
		return doc, attr.Invalidf("The document path provided in the update expression is invalid for update")
	}
	var v attr.Value
	var err error
	if last {
		v, err = f(old, exists)
	} else {
		v, err = edit(old, path[1:], f)
	}
	if err != nil {
		return doc, err
	}
	switch {
	case step.IsIndex && exists:
		doc.List = slices.Clone(doc.List)
		doc.List[step.Index] = v
	case step.IsIndex && v.Type != "":
		doc.List = append(slices.Clone(doc.List), v)
	case !step.IsIndex:
		doc.Map = maps.Clone(doc.Map)
		if doc.Map == nil {
			doc.Map = attr.Item{}
		}
		doc.Map[step.Name] = v
		if v.Type == "" {
			delete(doc.Map, step.Name)
		}
	}
	return doc, nil
}

// closeGaps removes the removed elements from the list at path.
func closeGaps(doc attr.Value, path Path) attr.Value {
	closed, err := edit(doc, path, func(list attr.Value, _ bool) (attr.Value, error) {
		list.List = slices.DeleteFunc(slices.Clone(list.List), func(v attr.Value) bool { return v.Type == "" })
		return list, nil
	})
	if err != nil {
		return doc // the list is gone, and its gaps with it
	}
	return closed
}
