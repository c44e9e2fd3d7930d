package wire

import (
	"net/http"
	"strings"
)

// scope is what a signature says about a request besides that it is genuine.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
type scope struct {
	accessKeyID, service string
}

// credentialScope reads the credential of a request, from its Authorization header or, presigned, from its query.
func credentialScope(r *http.Request) scope {
	credential := r.URL.Query().Get("X-Amz-Credential")
	if _, rest, ok := strings.Cut(r.Header.Get("Authorization"), "Credential="); ok {
		credential, _, _ = strings.Cut(rest, ",")
	}
	parts := strings.Split(strings.TrimSpace(credential), "/")
	if len(parts) != 5 {
		return scope{}
	}
	return scope{accessKeyID: parts[0], service: parts[3]}
}
