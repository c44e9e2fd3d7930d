package wire

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// xmlEncoder writes values as the Query protocol does: lists as <member>, maps as <entry>.
// https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
type xmlEncoder struct {
	w         *bytes.Buffer
	operation string
	flat      map[string]Flat
}

func (e *xmlEncoder) open(name, namespace string) {
	e.w.WriteByte('<')
	e.w.WriteString(name)
	if namespace != "" {
		fmt.Fprintf(e.w, " xmlns=%q", namespace)
	}
	e.w.WriteByte('>')
}

func (e *xmlEncoder) close(name string) { fmt.Fprintf(e.w, "</%s>", name) }

func (e *xmlEncoder) text(name, s string) {
	e.open(name, "")
	_ = xml.EscapeText(e.w, []byte(s)) // a buffer never fails to write
	e.close(name)
}

// members writes the members of out, a struct or a pointer to one.
func (e *xmlEncoder) members(out any) error {
	v := reflect.Indirect(reflect.ValueOf(out))
	if v.Kind() != reflect.Struct {
		return fmt.Errorf("output %T is not a struct", out)
	}
	return e.structMembers(v)
}

func (e *xmlEncoder) structMembers(v reflect.Value) error {
	for _, f := range reflect.VisibleFields(v.Type()) {
		name := memberName(f)
		field := v.FieldByIndex(f.Index)
		if name == "" || strings.Contains(f.Tag.Get("json"), ",omitempty") && isEmpty(field) {
			continue
		}
		if err := e.member(name, field); err != nil {
			return err
		}
	}
	return nil
}

func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice, reflect.Map:
		return v.Len() == 0
	case reflect.Struct:
		return false
	default:
		return v.IsZero()
	}
}

// member writes a member under its name. A nil pointer and a zero time are no member at all.
func (e *xmlEncoder) member(name string, v reflect.Value) error {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return nil
		}
		return e.member(name, v.Elem())
	}
	if t, ok := v.Interface().(Time); ok {
		if t.IsZero() {
			return nil
		}
		text, err := t.MarshalText()
		e.text(name, string(text))
		return err
	}
	if flat, ok := e.flat[name]; ok {
		return e.flattened(flat, v)
	}
	e.open(name, "")
	defer e.close(name)
	return e.value(v)
}

func (e *xmlEncoder) value(v reflect.Value) error {
	switch v.Kind() {
	case reflect.Pointer:
		return e.value(v.Elem())
	case reflect.Struct:
		return e.structMembers(v)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			e.w.WriteString(base64.StdEncoding.EncodeToString(v.Bytes()))
			return nil
		}
		for i := range v.Len() {
			if err := e.member("member", v.Index(i)); err != nil {
				return err
			}
		}
	case reflect.Map:
		for _, key := range sortedKeys(v) {
			e.open("entry", "")
			e.text("key", key.String())
			if err := e.member("value", v.MapIndex(key)); err != nil {
				return err
			}
			e.close("entry")
		}
	case reflect.String:
		return xml.EscapeText(e.w, []byte(v.String()))
	case reflect.Bool:
		e.w.WriteString(strconv.FormatBool(v.Bool()))
	case reflect.Int, reflect.Int32, reflect.Int64:
		e.w.WriteString(strconv.FormatInt(v.Int(), 10))
	case reflect.Float64:
		e.w.WriteString(strconv.FormatFloat(v.Float(), 'f', -1, 64))
	default:
		return fmt.Errorf("no XML form for %s", v.Type())
	}
	return nil
}

// flattened writes a list or map as repeated elements.
func (e *xmlEncoder) flattened(flat Flat, v reflect.Value) error {
	name := flat.element(e.operation)
	if v.Kind() == reflect.Slice {
		for i := range v.Len() {
			e.open(name, "")
			if err := e.value(v.Index(i)); err != nil {
				return err
			}
			e.close(name)
		}
		return nil
	}
	for _, key := range sortedKeys(v) {
		e.open(name, "")
		e.text(flat.Key, key.String())
		if err := e.member(flat.Value, v.MapIndex(key)); err != nil {
			return err
		}
		e.close(name)
	}
	return nil
}

func sortedKeys(m reflect.Value) []reflect.Value {
	keys := m.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	return keys
}
