package wire

import (
	"encoding"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
)

// decodeREST fills into from the body first, then from where its tags say.
func (r *Request) decodeREST(into any) error {
	v := reflect.ValueOf(into).Elem()
	if v.Kind() != reflect.Struct {
		return r.decodeJSON(into)
	}
	raw, hasRaw := rawBody(v)
	if hasRaw {
		raw.SetBytes(r.Body)
	} else if err := r.decodeJSON(into); err != nil {
		return err
	}
	for _, f := range reflect.VisibleFields(v.Type()) {
		var values []string
		var name string
		if label, ok := f.Tag.Lookup("path"); ok {
			name, values = label, []string{r.Path[label]}
		} else if key, ok := f.Tag.Lookup("query"); ok {
			name, values = key, r.Query[key]
		} else if key, ok := f.Tag.Lookup("header"); ok {
			name, values = key, r.Header.Values(key)
		} else {
			continue
		}
		field := v.FieldByIndex(f.Index)
		field.SetZero() // the body may not speak for the path
		if len(values) == 0 {
			continue
		}
		if err := setText(field, values); err != nil {
			return Errorf("ValidationException", "%s.%s: parameter %s: %v", r.Service, r.Operation, name, err)
		}
	}
	return nil
}

// rawBody returns the field of v that takes or gives the whole body, if there is one.
func rawBody(v reflect.Value) (reflect.Value, bool) {
	for _, f := range reflect.VisibleFields(v.Type()) {
		if f.Tag.Get("body") == "raw" {
			return v.FieldByIndex(f.Index), true
		}
	}
	return reflect.Value{}, false
}

// setText sets field from texts: a slice takes all of them, everything else the first.
func setText(field reflect.Value, texts []string) error {
	if field.Kind() == reflect.Pointer {
		field.Set(reflect.New(field.Type().Elem()))
		return setText(field.Elem(), texts)
	}
	if u, ok := field.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return u.UnmarshalText([]byte(texts[0]))
	}
	switch field.Kind() {
	case reflect.Slice:
		field.Set(reflect.MakeSlice(field.Type(), len(texts), len(texts)))
		for i := range texts {
			if err := setText(field.Index(i), texts[i:i+1]); err != nil {
				return err
			}
		}
	case reflect.Bool:
		b, err := strconv.ParseBool(texts[0])
		if err != nil {
			return err
		}
		field.SetBool(b)
	case reflect.Int, reflect.Int32, reflect.Int64:
		n, err := strconv.ParseInt(texts[0], 10, field.Type().Bits())
		if err != nil {
			return err
		}
		field.SetInt(n)
	case reflect.Float64:
		x, err := strconv.ParseFloat(texts[0], 64)
		if err != nil {
			return err
		}
		field.SetFloat(x)
	case reflect.String:
		field.SetString(texts[0])
	default:
		return fmt.Errorf("no text form for %s", field.Type())
	}
	return nil
}

// writeREST writes out: fields with tags where they say, the others as a JSON body.
func writeREST(w http.ResponseWriter, out any) error {
	v := reflect.ValueOf(out)
	for v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct {
		return writeJSON(w, "application/json", http.StatusOK, out)
	}
	status := http.StatusOK
	var elsewhere []string
	for _, f := range reflect.VisibleFields(v.Type()) {
		field := v.FieldByIndex(f.Index)
		if key, ok := f.Tag.Lookup("header"); ok {
			setHeader(w.Header(), key, field)
		} else if _, ok := f.Tag.Lookup("status"); ok {
			if n := int(field.Int()); n != 0 {
				status = n
			}
		} else {
			continue
		}
		elsewhere = append(elsewhere, memberName(f))
	}
	if raw, ok := rawBody(v); ok {
		if w.Header().Get("Content-Type") == "" {
			w.Header().Set("Content-Type", "application/json")
		}
		w.WriteHeader(status)
		_, err := w.Write(raw.Bytes())
		return ignoreGone(err)
	}
	if status == http.StatusNoContent {
		w.WriteHeader(status)
		return nil
	}
	if len(elsewhere) == 0 {
		return writeJSON(w, "application/json", status, out)
	}
	raw, err := json.Marshal(out)
	if err != nil {
		return err
	}
	members := map[string]json.RawMessage{}
	if err := json.Unmarshal(raw, &members); err != nil {
		return err
	}
	for _, name := range elsewhere {
		delete(members, name)
	}
	return writeJSON(w, "application/json", status, members)
}

func setHeader(h http.Header, key string, field reflect.Value) {
	if field.Kind() == reflect.Pointer {
		if field.IsNil() {
			return
		}
		field = field.Elem()
	}
	switch field.Kind() {
	case reflect.String:
		if field.String() != "" {
			h.Set(key, field.String())
		}
	case reflect.Int, reflect.Int32, reflect.Int64:
		h.Set(key, strconv.FormatInt(field.Int(), 10))
	case reflect.Bool:
		h.Set(key, strconv.FormatBool(field.Bool()))
	default:
	}
}
