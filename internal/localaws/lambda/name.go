package lambda

import (
	"net/http"
	"regexp"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
)

const (
	latest = "$LATEST"

	arnPattern  = `(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?`
	namePattern = arnPattern + `([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?`
	// usePattern is what operations check that only look at a function or run it.
	usePattern = arnPattern + `([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?`

	qualifierPattern = `\$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+`
	// Go has no look-ahead; what it would forbid, a name of digits alone, is checked beside it.
	aliasPattern = `(?!^[0-9]+$)([a-zA-Z0-9-_]+)`
)

var (
	nameExpr      = regexp.MustCompile(`^` + namePattern + `$`)
	useExpr       = regexp.MustCompile(`^` + usePattern + `$`)
	qualifierExpr = regexp.MustCompile(`^(` + qualifierPattern + `)$`)
	aliasExpr     = regexp.MustCompile(`^[a-zA-Z0-9-_]+$`)
	versionExpr   = regexp.MustCompile(`^[0-9]+$`)
)

// ref names a function as a request does: by name, partial or full ARN, with or without a qualifier.
// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html (FunctionName)
type ref struct{ name, qualifier string }

// parseRef reads a function name and the qualifier beside it; the two must not contradict each other.
func parseRef(functionName, qualifier string) (ref, error) {
	var wrong violations
	if len(functionName) > 140 {
		wrong.add(functionName, "functionName", "Member must have length less than or equal to 140")
	}
	if !nameExpr.MatchString(functionName) {
		wrong.add(functionName, "functionName", patternConstraint(namePattern))
	}
	return parseChecked(functionName, qualifier, wrong)
}

// parseUse is parseRef for operations that only look at a function or run it: their names may have dots.
func parseUse(functionName, qualifier string) (ref, error) {
	var wrong violations
	if len(qualifier) > maxQualifier {
		wrong.add(qualifier, "qualifier", "Member must have length less than or equal to 128")
	}
	if !useExpr.MatchString(functionName) {
		wrong.add(functionName, "functionName", patternConstraint(usePattern))
	}
	if err := wrong.err(); err != nil {
		return ref{}, err
	}
	return parseChecked(functionName, qualifier, nil)
}

const maxQualifier = 128

// parseChecked is what all parsers have in common, after they have looked at the name.
func parseChecked(functionName, qualifier string, wrong violations) (ref, error) {
	if len(qualifier) > maxQualifier {
		wrong.add(qualifier, "qualifier", "Member must have length less than or equal to 128")
	}
	if qualifier != "" && !qualifierExpr.MatchString(qualifier) {
		wrong.add(qualifier, "qualifier", patternConstraint(qualifierPattern))
	}
	if err := wrong.err(); err != nil {
		return ref{}, err
	}
	m := useExpr.FindStringSubmatch(functionName) // it matches more than nameExpr, in the same groups
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
