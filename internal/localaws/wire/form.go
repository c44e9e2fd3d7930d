package wire

import (
	"encoding/base64"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Flat says how a list or map of the Query protocol looks when it is flattened, as in SQS: repeated Element.N without
// "member" or "entry" between. An asterisk in Element stands for the operation's name.
// https://smithy.io/2.0/spec/protocol-traits.html#xmlflattened-trait
type Flat struct {
	Element string
	// Key and Value name the parts of a map's entries.
	Key, Value string
}

func (f Flat) element(operation string) string {
	return strings.Replace(f.Element, "*", operation, 1)
}

// maxDepth is how deep the members of a form may be nested.
const maxDepth = 32

// node is a form as a tree: Tags.member.1.Key=a is the value a at Tags, member, 1, Key.
type node struct {
	value    string
	children map[string]*node
}

// parseForm reads a form body.
func parseForm(body []byte) (*node, error) {
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, Errorf("MalformedQueryString", "the request body is not a form: %v", err)
	}
	root := &node{}
	for key, texts := range values {
		path := strings.Split(key, ".")
		if len(path) > maxDepth {
			return nil, Errorf("MalformedQueryString", "parameter %q is nested too deeply", key)
		}
		n := root
		for _, name := range path {
			n = n.child(name)
		}
		n.value = texts[len(texts)-1]
	}
	return root, nil
}

func (n *node) child(name string) *node {
	if n.children == nil {
		n.children = map[string]*node{}
	}
	c := n.children[name]
	if c == nil {
		c = &node{}
		n.children[name] = c
	}
	return c
}

func (n *node) text(name string) string {
	if c := n.children[name]; c != nil {
		return c.value
	}
	return ""
}

func (n *node) decode(into any, operation string, flat map[string]Flat) error {
	d := formDecoder{operation: operation, flat: flat}
	return d.set(reflect.ValueOf(into).Elem(), n, "")
}

type formDecoder struct {
	operation string
	flat      map[string]Flat
}

// set fills v from n; path names the parameter in errors.
func (d formDecoder) set(v reflect.Value, n *node, path string) error {
	switch {
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return d.set(v.Elem(), n, path)
	case v.Kind() == reflect.Struct && v.Type() != reflect.TypeFor[Time]():
		return d.setStruct(v, n, path)
	case v.Kind() == reflect.Map:
		return d.setMap(v, n, path)
	case v.Type() == reflect.TypeFor[[]byte]():
		raw, err := base64.StdEncoding.DecodeString(n.value)
		if err != nil {
			return Errorf("MalformedInput", "parameter %s: %v", path, err)
		}
		v.SetBytes(raw)
		return nil
	case v.Kind() == reflect.Slice:
		return d.setSlice(v, n, path)
	}
	if err := setText(v, []string{n.value}); err != nil {
		return Errorf("MalformedInput", "parameter %s: %v", path, err)
	}
	return nil
}

func (d formDecoder) setStruct(v reflect.Value, n *node, path string) error {
	for _, f := range reflect.VisibleFields(v.Type()) {
		name := memberName(f)
		if name == "" {
			continue
		}
		c := n.children[name]
		if flat, ok := d.flat[name]; ok && c == nil {
			c = n.children[flat.element(d.operation)]
		}
		if c == nil {
			continue
		}
		if err := d.set(v.FieldByIndex(f.Index), c, strings.TrimPrefix(path+"."+name, ".")); err != nil {
			return err
		}
	}
	return nil
}

func (d formDecoder) setSlice(v reflect.Value, n *node, path string) error {
	items := n.items("member")
	v.Set(reflect.MakeSlice(v.Type(), len(items), len(items)))
	for i, item := range items {
		if err := d.set(v.Index(i), item, path+"."+strconv.Itoa(i+1)); err != nil {
			return err
		}
	}
	return nil
}

// setMap fills a map with string keys. Its entries are key/value, or, in SNS and SQS, Name/Value.
func (d formDecoder) setMap(v reflect.Value, n *node, path string) error {
	v.Set(reflect.MakeMap(v.Type()))
	for i, entry := range n.items("entry") {
		where := path + "." + strconv.Itoa(i+1)
		key, value := entry.first("key", "Name", "Key"), entry.first("value", "Value")
		if key == nil || value == nil {
			return Errorf("MalformedInput", "parameter %s: an entry needs a key and a value", where)
		}
		k, x := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		if err := d.set(k, key, where); err != nil {
			return err
		}
		if err := d.set(x, value, where); err != nil {
			return err
		}
		v.SetMapIndex(k, x)
	}
	return nil
}

func (n *node) first(names ...string) *node {
	for _, name := range names {
		if c := n.children[name]; c != nil {
			return c
		}
	}
	return nil
}

// items returns the numbered children in order, which are below wrapper unless the list is flattened.
func (n *node) items(wrapper string) []*node {
	if c := n.children[wrapper]; c != nil {
		n = c
	}
	type item struct {
		index int
		node  *node
	}
	var found []item
	for name, c := range n.children {
		if i, err := strconv.Atoi(name); err == nil {
			found = append(found, item{i, c})
		}
	}
	slices.SortFunc(found, func(a, b item) int { return a.index - b.index })
	nodes := make([]*node, len(found))
	for i, it := range found {
		nodes[i] = it.node
	}
	return nodes
}

// memberName returns the AWS name of a field: that of its json tag, else its own; "" if it has none.
func memberName(f reflect.StructField) string {
	if !f.IsExported() || f.Anonymous {
		return ""
	}
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	switch name {
	case "-":
		return ""
	case "":
		return f.Name
	}
	return name
}
