package wire

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	timeLayout = "20060102T150405Z"
	// maxSkew is how far the time of a signature may be from ours.
	maxSkew = 5 * time.Minute
)

// Secret is what a signature is verified with: the secret key of an access key and, of a session, its token.
type Secret struct{ Key, Token string }

// signature is a signed request taken apart.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
type signature struct {
	date    time.Time
	scope   []string // date, region, service, aws4_request
	headers []string // signed ones
	value   string
	token   string
	expires time.Duration // of a presigned request; 0 else
}

// readSignature takes the signature from the Authorization header or, presigned, from the query.
func readSignature(r *http.Request) (s signature, err error) {
	query := r.URL.Query()
	parts := map[string]string{}
	date := r.Header.Get("X-Amz-Date")
	if header := r.Header.Get("Authorization"); header != "" {
		rest, ok := strings.CutPrefix(header, algorithm)
		if !ok {
			return s, incomplete("Unsupported AWS 'algorithm': want %s.", algorithm)
		}
		for part := range strings.SplitSeq(rest, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
			parts[name] = value
		}
		s.token = r.Header.Get("X-Amz-Security-Token")
	} else {
		date = query.Get("X-Amz-Date")
		for _, name := range []string{"Credential", "SignedHeaders", "Signature"} {
			parts[name] = query.Get("X-Amz-" + name)
		}
		s.token = query.Get("X-Amz-Security-Token")
		seconds, err := strconv.Atoi(query.Get("X-Amz-Expires"))
		if err != nil || seconds < 1 || seconds > 604800 {
			return s, incomplete("X-Amz-Expires must be between 1 and 604800 seconds.")
		}
		s.expires = time.Duration(seconds) * time.Second
	}
	for _, name := range []string{"Credential", "SignedHeaders", "Signature"} {
		if parts[name] == "" {
			return s, incomplete("Authorization header requires '%s' parameter.", name)
		}
	}
	if s.date, err = time.Parse(timeLayout, date); err != nil {
		return s, incomplete("Date must be in ISO-8601 'basic format'. Got '%s'.", date)
	}
	_, scope, _ := strings.Cut(parts["Credential"], "/")
	s.scope = strings.Split(scope, "/")
	s.headers = strings.Split(parts["SignedHeaders"], ";")
	s.value = parts["Signature"]
	return s, nil
}

// verify returns nil if r, whose body is given, is signed with secret for a service of a region, about now. Else the error
// says what is wrong; its code is that of the JSON protocols.
func verify(r *http.Request, body []byte, secret Secret, region, service string, now time.Time) error {
	s, err := readSignature(r)
	if err != nil {
		return err
	}
	if len(s.scope) != 4 || s.scope[3] != "aws4_request" {
		return incomplete("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.")
	}
	switch {
	case s.token != secret.Token:
		return &Error{Code: "UnrecognizedClientException", Status: http.StatusForbidden, Message: "The security token included in the request is invalid."}
	case s.scope[1] != region:
		return mismatch("Credential should be scoped to a valid region, not '%s'. This endpoint is %s.", s.scope[1], region)
	case s.scope[2] != service:
		return mismatch("Credential should be scoped to correct service: '%s'.", service)
	case s.scope[0] != s.date.Format("20060102"):
		return mismatch("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' != '%s'.", s.scope[0], s.date.Format("20060102"))
	}
	if err := s.current(now.UTC()); err != nil {
		return err
	}
	for name := range r.Header {
		name = strings.ToLower(name)
		if strings.HasPrefix(name, "x-amz-") && !slices.Contains(s.headers, name) {
			return mismatch("'%s' must be a 'SignedHeader' in the AWS Authorization.", name)
		}
	}
	if !slices.Contains(s.headers, "host") {
		return mismatch("'Host' must be a 'SignedHeader' in the AWS Authorization.")
	}
	if !hmac.Equal([]byte(s.sign(secret.Key, s.canonical(r, body))), []byte(s.value)) {
		return mismatch("The request signature we calculated does not match the signature you provided. Check your AWS Secret " +
			"Access Key and signing method. Consult the service documentation for details.")
	}
	return nil
}

// current says whether the signature is of about now or, presigned, has not expired.
func (s signature) current(now time.Time) error {
	last := s.date.Add(max(s.expires, maxSkew))
	switch {
	case now.After(last):
		return mismatch("Signature expired: %s is now earlier than %s (%s - %g min.)", s.date.Format(timeLayout),
			now.Add(s.date.Sub(last)).Format(timeLayout), now.Format(timeLayout), last.Sub(s.date).Minutes())
	case s.date.After(now.Add(maxSkew)):
		return mismatch("Signature not yet current: %s is still later than %s (%s + %g min.)", s.date.Format(timeLayout),
			now.Add(maxSkew).Format(timeLayout), now.Format(timeLayout), maxSkew.Minutes())
	}
	return nil
}

// sign returns the signature of a canonical request.
func (s signature) sign(secret, canonical string) string {
	hash := sha256.Sum256([]byte(canonical))
	text := strings.Join([]string{algorithm, s.date.Format(timeLayout), strings.Join(s.scope, "/"), hex.EncodeToString(hash[:])}, "\n")
	key := []byte("AWS4" + secret)
	for _, part := range append(s.scope, text) {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	return hex.EncodeToString(key)
}

// canonical returns the request in the form that is signed.
func (s signature) canonical(r *http.Request, body []byte) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s\n%s\n", r.Method, encode(r.URL.EscapedPath(), true), canonicalQuery(r.URL.Query()))
	for _, name := range s.headers {
		fmt.Fprintf(&b, "%s:%s\n", name, headerValue(r, name))
	}
	hash := sha256.Sum256(body)
	fmt.Fprintf(&b, "\n%s\n%s", strings.Join(s.headers, ";"), hex.EncodeToString(hash[:]))
	return b.String()
}

func headerValue(r *http.Request, name string) string {
	switch name {
	case "host":
		return r.Host
	case "content-length":
		return strconv.FormatInt(r.ContentLength, 10)
	}
	values := make([]string, 0, 1)
	for _, v := range r.Header.Values(name) {
		values = append(values, strings.Join(strings.Fields(v), " "))
	}
	return strings.Join(values, ",")
}

func canonicalQuery(query url.Values) string {
	var pairs []string
	for name, values := range query {
		if name == "X-Amz-Signature" {
			continue
		}
		for _, v := range values {
			pairs = append(pairs, encode(name, false)+"="+encode(v, false))
		}
	}
	// By name, then by value: "=" would sort after some characters of a name.
	slices.SortFunc(pairs, func(a, b string) int {
		return strings.Compare(strings.Replace(a, "=", "\x00", 1), strings.Replace(b, "=", "\x00", 1))
	})
	return strings.Join(pairs, "&")
}

// encode escapes all but the unreserved characters of RFC 3986 and, of a path, its slashes. The path of a request is
// escaped already and escaped again: all services but S3 do so.
func encode(s string, path bool) string {
	if path && s == "" {
		return "/"
	}
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0 || path && c == '/' {
			b.WriteByte(c)
			continue
		}
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}

func incomplete(format string, args ...any) *Error {
	return &Error{Code: "IncompleteSignatureException", Status: http.StatusForbidden, Message: fmt.Sprintf(format, args...)}
}

func mismatch(format string, args ...any) *Error {
	return &Error{Code: "InvalidSignatureException", Status: http.StatusForbidden, Message: fmt.Sprintf(format, args...)}
}

// unauthentic returns the refusal of a signature as the protocol spells it.
func unauthentic(p Protocol, e *Error) *Error {
	if p == Query {
		e.Code = map[string]string{
			"InvalidSignatureException":    "SignatureDoesNotMatch",
			"IncompleteSignatureException": "IncompleteSignature",
			"UnrecognizedClientException":  "InvalidClientTokenId",
		}[e.Code]
	}
	if p == JSON10 || p == JSON11 {
		e.Status = http.StatusBadRequest
	}
	return e
}
