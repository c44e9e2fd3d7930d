package wire

import (
	"net/http"
	"strings"
	"testing"
)

// The examples that AWS publishes with the signing process (the suite "aws-sig-v4-test-suite", its key and its time).
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
func TestSignaturesAreThoseOfThePublishedExamples(t *testing.T) {
	const header = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=%H, Signature=%S"
	tests := map[string]struct {
		method, url, headers, signature string
		set                             http.Header
	}{
		"get-vanilla": {
			"GET", "http://example.amazonaws.com/", "host;x-amz-date", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31", nil,
		},
		"post-vanilla": {
			"POST", "http://example.amazonaws.com/", "host;x-amz-date", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b", nil,
		},
		"get-vanilla-query-order-key-case": {
			"GET", "http://example.amazonaws.com/?Param2=value2&Param1=value1", "host;x-amz-date",
			"b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500", nil,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), tt.method, tt.url, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("X-Amz-Date", "20150830T123600Z")
			r.Header.Set("Authorization", strings.NewReplacer("%H", tt.headers, "%S", tt.signature).Replace(header))
			s, err := readSignature(r)
			if err != nil {
				t.Fatal(err)
			}
			if err := verify(r, nil, Secret{Key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}, "us-east-1", "service", s.date); err != nil {
				t.Error(err)
			}
			if err := verify(r, nil, Secret{Key: "another"}, "us-east-1", "service", s.date); err == nil {
				t.Error("another key made the same signature")
			}
		})
	}
}
