package wire

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"hash/crc32"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
)

// writeOutput writes the answer of an operation. It returns an error only before anything is written.
func (r *Request) writeOutput(w http.ResponseWriter, out any) error {
	switch r.protocol {
	case Query:
		return r.writeXML(w, out)
	case REST:
		return writeREST(w, out)
	case rpcV2CBOR:
		return writeCBOR(w, http.StatusOK, out)
	case JSON10, JSON11:
	}
	return writeJSON(w, r.contentType(), http.StatusOK, out)
}

func (r *Request) contentType() string {
	switch r.protocol {
	case JSON10:
		return "application/x-amz-json-1.0"
	case JSON11:
		return "application/x-amz-json-1.1"
	case Query:
		return "text/xml"
	case REST, rpcV2CBOR:
	}
	return "application/json"
}

// writeJSON writes v as the whole answer. Angle brackets stay as they are, as on AWS.
func writeJSON(w http.ResponseWriter, contentType string, status int, v any) error {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	document := bytes.TrimSuffix(body.Bytes(), []byte("\n"))
	w.Header().Set("Content-Type", contentType)
	// DynamoDB's clients compare it and warn if it is missing; those of other services do not look at it.
	w.Header().Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(document)), 10))
	w.WriteHeader(status)
	_, err := w.Write(document)
	return ignoreGone(err)
}

// ignoreGone drops the error of writing to a client that has gone: there is nobody left to tell.
func ignoreGone(error) error { return nil }

func (r *Request) writeXML(w http.ResponseWriter, out any) error {
	var body bytes.Buffer
	e := xmlEncoder{w: &body, operation: r.Operation, flat: r.flat}
	e.open(r.Operation+"Response", r.namespace)
	// Clients of some services insist on the Result even if it is empty.
	e.open(r.Operation+"Result", "")
	if err := e.members(out); err != nil {
		return err
	}
	e.close(r.Operation + "Result")
	e.open("ResponseMetadata", "")
	e.text("RequestId", r.ID)
	e.close("ResponseMetadata")
	e.close(r.Operation + "Response")
	w.Header().Set("Content-Type", r.contentType())
	_, err := w.Write(body.Bytes())
	return ignoreGone(err)
}

// writeError writes a refusal in the shape of the protocol.
func (r *Request) writeError(w http.ResponseWriter, e *Error) {
	status := e.Status
	if status == 0 {
		status = http.StatusBadRequest
	}
	if e.QueryCode != "" {
		w.Header().Set("x-amzn-query-error", e.QueryCode)
	}
	if r.protocol == Query || r.Service == "s3" {
		r.writeXMLError(w, status, e)
		return
	}
	if r.protocol == rpcV2CBOR {
		writeCBORError(w, status, e)
		return
	}
	w.Header().Set("x-amzn-errortype", e.Code)
	members := map[string]any{"message": e.Message}
	if r.protocol == REST {
		// Which spelling a service uses differs by error; clients look for one of them.
		members["Message"] = e.Message
	} else {
		members["__type"] = e.Code
	}
	maps.Copy(members, e.Members)
	if err := writeJSON(w, r.contentType(), status, members); err != nil {
		w.WriteHeader(http.StatusInternalServerError)
	}
}

func (r *Request) writeXMLError(w http.ResponseWriter, status int, e *Error) {
	type detail struct {
		XMLName xml.Name `xml:"Error"`
		Type    string   `xml:",omitempty"`
		Code    string
		Message string
	}
	d := detail{Code: e.Code, Message: e.Message}
	var document any = d
	if r.protocol == Query {
		d.Type = "Sender"
		if status >= http.StatusInternalServerError {
			d.Type = "Receiver"
		}
		if code, kind, ok := strings.Cut(e.QueryCode, ";"); ok {
			d.Code, d.Type = code, kind
		}
		document = struct {
			XMLName   xml.Name `xml:"ErrorResponse"`
			Namespace string   `xml:"xmlns,attr,omitempty"`
			Error     detail
			RequestID string `xml:"RequestId"`
		}{Namespace: r.namespace, Error: d, RequestID: r.ID}
	}
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, xml.Header)
	_ = xml.NewEncoder(w).Encode(document)
}
