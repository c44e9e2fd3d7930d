package lambda

import (
	"net/http"
	"regexp"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
)

const (
	latest = "$LATEST"

	namePattern = `(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?` +
		`(\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?`
	qualifierPattern = `\$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+`
	// Go has no look-ahead; what it would forbid, a name of digits alone, is checked beside it.
	aliasPattern = `(?!^[0-9]+$)([a-zA-Z0-9-_]+)`
)

var (
	nameExpr      = regexp.MustCompile(`^` + namePattern + `$`)
	qualifierExpr = regexp.MustCompile(`^(` + qualifierPattern + `)$`)
	aliasExpr     = regexp.MustCompile(`^[a-zA-Z0-9-_]+$`)
	versionExpr   = regexp.MustCompile(`^[0-9]+$`)
)

// ref names a function as a request does: by name, partial or full ARN, with or without a qualifier.
// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html (FunctionName)
type ref struct{ name, qualifier string }

// parseRef reads a function name and the qualifier beside it; the two must not contradict each other.
func parseRef(functionName, qualifier string) (ref, error) {
	if len(functionName) > 140 {
		return ref{}, validation(functionName, "functionName", "Member must have length less than or equal to 140")
	}
	m := nameExpr.FindStringSubmatch(functionName)
	if m == nil {
		return ref{}, validation(functionName, "functionName", patternConstraint(namePattern))
	}
	if len(qualifier) > 128 {
		return ref{}, validation(qualifier, "qualifier", "Member must have length less than or equal to 128")
	}
	if qualifier != "" && !qualifierExpr.MatchString(qualifier) {
		return ref{}, validation(qualifier, "qualifier", patternConstraint(qualifierPattern))
	}
	region, account, name, derived := m[3], m[9], m[11], m[13]
	if region != "" && region != arn.Region+":" {
		return ref{}, notFound("Functions from '%s' are not reachable in this region ('%s')",
			region[:len(region)-1], arn.Region)
	}
	if account != "" && account != arn.Account+":" {
		return ref{}, fail(http.StatusForbidden, "AccessDeniedException",
			"User is not authorized to perform this operation on resource %s", functionName)
	}
	if derived != "" && qualifier != "" && derived != qualifier {
		return ref{}, invalid("The derived qualifier from the function name does not match the specified qualifier.")
	}
	if qualifier == "" {
		qualifier = derived
	}
	return ref{name: name, qualifier: qualifier}, nil
}

// arn returns the ARN of what r names.
func (r ref) arn() string { return functionARN(r.name, r.qualifier) }

// orLatest returns r with $LATEST where it has no qualifier.
func (r ref) orLatest() ref {
	if r.qualifier == "" {
		r.qualifier = latest
	}
	return r
}

func functionARN(name, qualifier string) string {
	resource := "function:" + name
	if qualifier != "" {
		resource += ":" + qualifier
	}
	return arn.New("lambda", resource)
}
