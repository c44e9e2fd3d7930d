package wire_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

type tag struct{ Key, Value string }

type attribute struct{ DataType, StringValue string }

// thing has a member of every shape that the services use.
type thing struct {
	Name     string
	Count    int
	Limit    *int  `json:",omitempty"`
	Force    *bool `json:",omitempty"`
	Raw      []byte
	Tags     []tag
	Keys     []string
	Settings map[string]string
	Values   map[string]attribute
	At       wire.Time
	Renamed  string `json:"renamedMember"`
	Hidden   string `json:"-"`
}

type restInput struct {
	Name   string   `path:"Name"`
	Group  string   `query:"group"`
	Keys   []string `query:"keys"`
	Max    *int     `query:"max"`
	Kind   string   `header:"X-Kind"`
	Member string
}

type restOutput struct {
	Code   int    `status:""`
	Kind   string `header:"X-Kind"`
	Echo   restInput
	Absent *string `json:",omitempty"`
}

type blob struct {
	Name string `path:"Name"`
	Body []byte `body:"raw"`
}

func services() []wire.Service {
	ctx2 := func(_ context.Context, in thing) (thing, error) { return in, nil }
	operations := []wire.Operation{
		wire.Op("Echo", ctx2),
		wire.Op("Refuse", func(context.Context, wire.Empty) (wire.Empty, error) {
			return wire.Empty{}, fmt.Errorf("wrapped: %w", &wire.Error{
				Code: "NoSuch", Message: "no <such> thing", Status: 404, QueryCode: "Old.NoSuch;Sender",
				Members: map[string]any{"Item": 7},
			})
		}),
		wire.Op("Break", func(context.Context, wire.Empty) (wire.Empty, error) {
			return wire.Empty{}, errors.New("the disk is full")
		}),
		wire.Op("Panic", func(context.Context, wire.Empty) (wire.Empty, error) { panic("boom") }),
		wire.Op("Nothing", func(context.Context, wire.Empty) (wire.Empty, error) { return wire.Empty{}, nil }),
		wire.Op("WhoAmI", func(ctx context.Context, _ wire.Empty) (thing, error) {
			c, _ := wire.CallerFrom(ctx)
			r, _ := wire.RequestFrom(ctx)
			return thing{Name: c.ARN, Renamed: r.Operation}, nil
		}),
	}
	echo := func(_ context.Context, in restInput) (restOutput, error) {
		return restOutput{Code: 201, Kind: "kind-" + in.Kind, Echo: in}, nil
	}
	return []wire.Service{
		{Name: "json", Protocol: wire.JSON11, Target: "Json_2020", Operations: operations},
		{Name: "old", Protocol: wire.Query, Version: "2010-01-01", Namespace: "https://old/", Operations: operations},
		{
			Name: "both", Protocol: wire.JSON10, Target: "Both", Version: "2012-01-01", Namespace: "https://both/",
			Flat: map[string]wire.Flat{
				"Keys": {Element: "KeyName"}, "Settings": {Element: "Setting", Key: "Name", Value: "Value"},
				"Tags": {Element: "*Tag"},
			},
			Operations: operations,
		},
		{Name: "rest", Protocol: wire.REST, Operations: []wire.Operation{
			wire.Rest("EchoRest", "POST", "/v1/things/{Name}", echo),
			wire.Rest("Special", "POST", "/v1/things/special", func(_ context.Context, _ wire.Empty) (thing, error) {
				return thing{Name: "special"}, nil
			}),
			wire.Rest("Blob", "PUT", "/blobs/{Name}/", func(_ context.Context, in blob) (blob, error) { return in, nil }),
			wire.Rest("RefuseRest", "GET", "/refuse", func(context.Context, wire.Empty) (wire.Empty, error) {
				return wire.Empty{}, wire.Errorf("NoSuch", "none")
			}),
			wire.Rest("Gone", "DELETE", "/things/{Name}", func(context.Context, wire.Empty) (gone, error) { return gone{204}, nil }),
		}},
	}
}

type gone struct {
	Code int `status:""`
}

func resolve(_ context.Context, key string) (wire.Caller, bool) {
	return wire.Caller{AccessKeyID: key, ARN: "arn:of:" + key}, key == "test"
}

type call struct {
	service, target, method, path, contentType, body string
	header                                           map[string]string
	anonymous                                        bool
	key                                              string
}

// do sends a call and returns the answer with its body, and what the handler logged.
func do(t *testing.T, c call) (*http.Response, string, string) {
	t.Helper()
	var logged bytes.Buffer
	h := wire.NewHandler(services(), resolve, log.New(&logged, "", 0))
	method, path := c.method, c.path
	if method == "" {
		method = http.MethodPost
	}
	if path == "" {
		path = "/"
	}
	r := httptest.NewRequest(method, path, strings.NewReader(c.body))
	key := c.key
	if key == "" {
		key = "test"
	}
	if !c.anonymous {
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+key+"/20260101/us-east-1/"+c.service+"/aws4_request, SignedHeaders=host, Signature=00")
	}
	if c.target != "" {
		r.Header.Set("X-Amz-Target", c.target)
	}
	r.Header.Set("Content-Type", c.contentType)
	for name, value := range c.header {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	res := w.Result()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if res.Header.Get("X-Amzn-Requestid") == "" {
		t.Error("the answer has no request id")
	}
	return res, string(body), logged.String()
}

const form = "application/x-www-form-urlencoded; charset=utf-8"

func TestCallsAreAnsweredInTheirProtocol(t *testing.T) {
	tests := map[string]struct {
		call   call
		status int
		header map[string]string
		body   string // a part of it
	}{
		"JSON by its target": {
			call:   call{service: "json", target: "Json_2020.Echo", body: `{"Name":"a<b","Unknown":1}`},
			status: 200, header: map[string]string{"Content-Type": "application/x-amz-json-1.1"}, body: `"Name":"a<b"`,
		},
		"JSON 1.0 says so": {
			call:   call{service: "both", target: "Both.Echo", body: `{}`},
			status: 200, header: map[string]string{"Content-Type": "application/x-amz-json-1.0"}, body: `"Count":0`,
		},
		"JSON without a body": {
			call:   call{service: "json", target: "Json_2020.Nothing"},
			status: 200, header: map[string]string{"X-Amz-Crc32": "2745614147"}, body: `{}`,
		},
		"JSON that is none": {
			call:   call{service: "json", target: "Json_2020.Echo", body: `{"Name":`},
			status: 400, header: map[string]string{"X-Amzn-Errortype": "SerializationException"}, body: `"__type":"SerializationException"`,
		},
		"a refusal in JSON": {
			call:   call{service: "json", target: "Json_2020.Refuse"},
			status: 404, header: map[string]string{"X-Amzn-Errortype": "NoSuch", "X-Amzn-Query-Error": "Old.NoSuch;Sender"},
			body: `{"Item":7,"__type":"NoSuch","message":"no <such> thing"}`,
		},
		"an unknown operation is a 400": {
			call:   call{service: "json", target: "Json_2020.Dance"},
			status: 400, header: map[string]string{"X-Amzn-Errortype": "UnknownOperationException"}, body: `json: Dance is not implemented`,
		},
		"an unknown service is a 400": {
			call:   call{service: "kms", target: "TrentService.ListKeys"},
			status: 400, body: `kms: ListKeys is not implemented`,
		},
		"an empty result is there in Query": {
			call:   call{service: "old", contentType: form, body: "Action=Nothing&Version=2010-01-01"},
			status: 200, header: map[string]string{"Content-Type": "text/xml"}, body: `<NothingResponse xmlns="https://old/"><NothingResult></NothingResult><ResponseMetadata><RequestId>`,
		},
		"a refusal in Query": {
			call:   call{service: "old", contentType: form, body: "Action=Refuse&Version=2010-01-01"},
			status: 404, body: `<ErrorResponse xmlns="https://old/"><Error><Type>Sender</Type><Code>Old.NoSuch</Code><Message>no &lt;such&gt; thing</Message></Error><RequestId>`,
		},
		"an unknown action is a 400": {
			call:   call{service: "old", contentType: form, body: "Action=Dance&Version=2010-01-01"},
			status: 400, body: `<Code>UnknownOperationException</Code><Message>old: Dance is not implemented`,
		},
		"an unknown version is a 400": {
			call:   call{service: "ec2", contentType: form, body: "Action=RunInstances&Version=2016-11-15"},
			status: 400, body: `<Message>ec2: RunInstances is not implemented`,
		},
		"a number that is none in Query": {
			call:   call{service: "old", contentType: form, body: "Action=Echo&Version=2010-01-01&Count=many"},
			status: 400, body: `<Code>MalformedInput</Code><Message>parameter Count:`,
		},
		"REST matches the escaped path": {
			call: call{
				service: "rest", path: "/v1/things/arn:aws:x%2Fy%40z?group=g&keys=1&keys=2&max=3", body: `{"Member":"m","Name":"from the body"}`,
				header: map[string]string{"X-Kind": "k"},
			},
			status: 201, header: map[string]string{"X-Kind": "kind-k"},
			body: `{"Echo":{"Name":"arn:aws:x/y@z","Group":"g","Keys":["1","2"],"Max":3,"Kind":"k","Member":"m"}}`,
		},
		"a literal path goes before a label": {
			call:   call{service: "rest", path: "/v1/things/special"},
			status: 200, body: `"Name":"special"`,
		},
		"a trailing slash means nothing": {
			call:   call{service: "rest", method: "PUT", path: "/blobs/b", body: "\x00not json"},
			status: 200, body: "\x00not json",
		},
		"a refusal in REST": {
			call:   call{service: "rest", method: "GET", path: "/refuse"},
			status: 400, header: map[string]string{"X-Amzn-Errortype": "NoSuch"}, body: `{"Message":"none","message":"none"}`,
		},
		"REST without a body": {
			call: call{service: "rest", method: "DELETE", path: "/things/a"}, status: 204,
		},
		"a parameter that is none in REST": {
			call:   call{service: "rest", path: "/v1/things/a?max=many"},
			status: 400, header: map[string]string{"X-Amzn-Errortype": "ValidationException"}, body: "parameter max",
		},
		"an unknown path is a 400": {
			call:   call{service: "rest", path: "/v2/things/a"},
			status: 400, header: map[string]string{"X-Amzn-Errortype": "UnknownOperationException"}, body: "rest: POST /v2/things/a is not implemented",
		},
		"an unknown REST service is a 400": {
			call:   call{service: "s3", method: "GET", path: "/bucket"},
			status: 400, body: `<Code>UnknownOperationException</Code><Message>s3: GET /bucket is not implemented`,
		},
		"nobody's key": {
			call:   call{service: "json", target: "Json_2020.Nothing", key: "AKIA"},
			status: 403, header: map[string]string{"X-Amzn-Errortype": "UnrecognizedClientException"}, body: "AKIA",
		},
		"nobody's key in Query": {
			call:   call{service: "old", contentType: form, body: "Action=Nothing&Version=2010-01-01", key: "AKIA"},
			status: 403, body: "<Code>InvalidClientTokenId</Code>",
		},
		"no key": {
			call:   call{target: "Json_2020.Nothing", anonymous: true},
			status: 403, header: map[string]string{"X-Amzn-Errortype": "MissingAuthenticationToken"}, body: "Missing",
		},
		"a presigned call": {
			call:   call{target: "Json_2020.WhoAmI", anonymous: true, path: "/?X-Amz-Credential=test%2F20260101%2Fus-east-1%2Fjson%2Faws4_request"},
			status: 200, body: `"Name":"arn:of:test"`,
		},
		"the caller and the request are in the context": {
			call:   call{service: "json", target: "Json_2020.WhoAmI"},
			status: 200, body: `"renamedMember":"WhoAmI"`,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			res, body, _ := do(t, tt.call)
			if res.StatusCode != tt.status {
				t.Errorf("status %d, want %d: %s", res.StatusCode, tt.status, body)
			}
			for name, want := range tt.header {
				if got := res.Header.Get(name); got != want {
					t.Errorf("header %s is %q, want %q", name, got, want)
				}
			}
			if !strings.Contains(body, tt.body) {
				t.Errorf("body\n%s\nwants\n%s", body, tt.body)
			}
		})
	}
}

func TestFaultsOfTheEndpointAreLoggedAndHidden(t *testing.T) {
	for operation, cause := range map[string]string{"Break": "the disk is full", "Panic": "boom"} {
		for _, c := range []call{
			{service: "json", target: "Json_2020." + operation},
			{service: "old", contentType: form, body: "Version=2010-01-01&Action=" + operation},
		} {
			res, body, logged := do(t, c)
			if res.StatusCode != http.StatusInternalServerError || !strings.Contains(body, "InternalFailure") || strings.Contains(body, cause) {
				t.Errorf("%s: %d %s", operation, res.StatusCode, body)
			}
			if !strings.Contains(logged, cause) || !strings.Contains(logged, c.service+"."+operation) {
				t.Errorf("%s: the log %q does not say what happened", operation, logged)
			}
		}
	}
}

func TestQueryMembersAreDecoded(t *testing.T) {
	at := wire.Time{Time: time.Date(2026, 3, 2, 20, 45, 0, 0, time.UTC)}
	three, yes := 3, true
	want := thing{
		Name: "n&1", Count: 2, Limit: &three, Force: &yes, Raw: []byte("raw"),
		Tags: []tag{{"a", "1"}, {"b", "2"}}, Keys: []string{"x", "y"},
		Settings: map[string]string{"s": "v"}, Values: map[string]attribute{"m": {"String", "z"}},
		At: at, Renamed: "r",
	}
	common := "&Name=n%261&Count=2&Limit=3&Force=true&Raw=cmF3&At=2026-03-02T20:45:00Z&renamedMember=r&Hidden=no" +
		"&Values.entry.1.Name=m&Values.entry.1.Value.DataType=String&Values.entry.1.Value.StringValue=z"
	for name, c := range map[string]call{
		"nested": {service: "old", contentType: form, body: "Action=Echo&Version=2010-01-01" + common +
			"&Tags.member.2.Key=b&Tags.member.2.Value=2&Tags.member.1.Key=a&Tags.member.1.Value=1" +
			"&Keys.member.1=x&Keys.member.10=y&Settings.entry.1.key=s&Settings.entry.1.value=v"},
		"flattened": {service: "both", contentType: form, body: "Action=Echo&Version=2012-01-01" + common +
			"&EchoTag.1.Key=a&EchoTag.1.Value=1&EchoTag.2.Key=b&EchoTag.2.Value=2" +
			"&KeyName.1=x&KeyName.2=y&Setting.1.Name=s&Setting.1.Value=v"},
	} {
		t.Run(name, func(t *testing.T) {
			h := capture[thing]{}
			if res, body := h.send(t, c); res.StatusCode != 200 {
				t.Fatalf("%d %s", res.StatusCode, body)
			}
			if diff := cmp.Diff(want, h.got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// capture is a service with one operation that keeps its input.
type capture[T any] struct{ got T }

func (c *capture[T]) send(t *testing.T, from call) (*http.Response, string) {
	t.Helper()
	all := services()
	for i := range all {
		all[i].Operations = []wire.Operation{wire.Op("Echo", func(_ context.Context, in T) (wire.Empty, error) {
			c.got = in
			return wire.Empty{}, nil
		})}
	}
	h := wire.NewHandler(all[1:3], resolve, log.New(io.Discard, "", 0))
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(from.body))
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/"+from.service+"/aws4_request, x")
	r.Header.Set("Content-Type", from.contentType)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result(), w.Body.String()
}

func TestQueryMembersAreEncoded(t *testing.T) {
	body := "&Name=n&Tags.member.1.Key=a&Keys.member.1=x&Settings.entry.1.key=s&Settings.entry.1.value=v%3C" +
		"&EchoTag.1.Key=a&KeyName.1=x&Setting.1.Name=s&Setting.1.Value=v%3C&At=2026-03-02T20:45:00Z"
	_, nested, _ := do(t, call{service: "old", contentType: form, body: "Action=Echo&Version=2010-01-01" + body})
	_, flat, _ := do(t, call{service: "both", contentType: form, body: "Action=Echo&Version=2012-01-01" + body})
	const head = `<EchoResult><Name>n</Name><Count>0</Count><Raw></Raw>`
	const tail = `<Values></Values><At>2026-03-02T20:45:00.000Z</At><renamedMember></renamedMember></EchoResult>`
	for got, want := range map[string]string{
		nested: head + `<Tags><member><Key>a</Key><Value></Value></member></Tags><Keys><member>x</member></Keys><Settings><entry><key>s</key><value>v&lt;</value></entry></Settings>` + tail,
		flat:   head + `<EchoTag><Key>a</Key><Value></Value></EchoTag><KeyName>x</KeyName><Setting><Name>s</Name><Value>v&lt;</Value></Setting>` + tail,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
}

func TestTimeIsSecondsInJSON(t *testing.T) {
	var in struct{ A, B, C wire.Time }
	if err := json.Unmarshal([]byte(`{"A":1772484300.25,"B":"2026-03-02T20:45:00Z","C":null}`), &in); err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(raw), `{"A":1772484300.250,"B":1772484300.000,"C":null}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Whatever a client sends is answered: with a result, or with a refusal that is the client's fault.
func FuzzQueryForm(f *testing.F) {
	f.Add("Name=a&Tags.member.1.Key=k&Settings.entry.1.key=a&Settings.entry.1.value=b")
	f.Add("Tags.1=x&Keys=y&Values.entry.1.Name=q&Values.entry.1.Value=1&Limit=&Raw=%zz")
	f.Add("Settings.entry.-1.key=&Settings.entry..value=&.=.&At=yesterday&KeyName.1.2.3=4")
	f.Fuzz(func(t *testing.T, fields string) {
		for _, c := range []call{
			{service: "old", contentType: form, body: "Action=Echo&Version=2010-01-01&" + fields},
			{service: "both", contentType: form, body: "Action=Echo&Version=2012-01-01&" + fields},
		} {
			if res, body, logged := do(t, c); res.StatusCode >= 500 {
				t.Errorf("%q: %d %s %s", fields, res.StatusCode, body, logged)
			}
		}
	})
}
