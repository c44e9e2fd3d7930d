package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"

	"github.com/the-alchemiser/alchemiser/internal/localaws"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

//go:embed intro.md
var intro string

// names are how AWS calls the services; one without a name goes by that of its signatures.
func names() map[string]string {
	return map[string]string{
		"iam": "IAM", "sts": "STS", "ssm": "Systems Manager Parameter Store", "sns": "SNS", "sqs": "SQS", "logs": "CloudWatch Logs",
		"dynamodb": "DynamoDB", "events": "EventBridge", "scheduler": "EventBridge Scheduler", "lambda": "Lambda", "xray": "X-Ray",
		"monitoring": "CloudWatch", "secretsmanager": "Secrets Manager", "kms": "KMS",
	}
}

// page returns the whole document.
func page() ([]byte, error) {
	services, err := localaws.Registry()
	if err != nil {
		return nil, err
	}
	comments, err := packageComments("..")
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString(intro)
	writeOverview(&b, services)
	for _, s := range services {
		if err := writeService(&b, s, comments[s.Name]); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}

func title(s wire.Service) string {
	if name := names()[s.Name]; name != "" {
		return name
	}
	return s.Name
}

func writeOverview(b *bytes.Buffer, services []wire.Service) {
	b.WriteString("\n| service | protocol | operations |\n|---|---|---|\n")
	count := 0
	for _, s := range services {
		count += len(s.Operations)
		fmt.Fprintf(b, "| [%s](#%s) | %s | %d |\n", title(s), anchor(title(s)), protocols(s), len(s.Operations))
	}
	fmt.Fprintf(b, "\n%d operations; any other one is refused as unknown. Services with a JSON protocol speak Smithy RPC v2 CBOR as well.\n", count)
}

// anchor is what a heading is linked by.
func anchor(heading string) string {
	return strings.ReplaceAll(strings.ToLower(heading), " ", "-")
}

func protocols(s wire.Service) string {
	name := map[wire.Protocol]string{wire.JSON10: "JSON 1.0", wire.JSON11: "JSON 1.1", wire.Query: "Query", wire.REST: "REST"}[s.Protocol]
	if s.Protocol != wire.Query && s.Version != "" {
		name += " and Query"
	}
	return name
}

func writeService(b *bytes.Buffer, s wire.Service, comment string) error {
	if comment == "" {
		return fmt.Errorf("service %s: no package of internal/localaws has a comment and this name in its API", s.Name)
	}
	fmt.Fprintf(b, "\n## %s\n\n%s\n", title(s), comment)
	if len(s.Gaps) > 0 {
		b.WriteString("\nOtherwise than on AWS:\n\n")
		for _, gap := range s.Gaps {
			fmt.Fprintf(b, "- %s\n", gap)
		}
	}
	b.WriteString("\n| operation | otherwise than on AWS |\n|---|---|\n")
	for _, op := range s.Operations {
		fmt.Fprintf(b, "| `%s` | %s |\n", op.Name, strings.ReplaceAll(op.Gap, "|", `\|`))
	}
	return nil
}

// packageComments returns the comment of each package in root as Markdown, less the package's name, by the name of its
// folder and by the service names that are not their folder's.
func packageComments(root string) (map[string]string, error) {
	folders, err := os.ReadDir(root)
	if err != nil {
		return nil, err
	}
	comments := map[string]string{}
	for _, folder := range folders {
		if !folder.IsDir() {
			continue
		}
		text, err := packageComment(filepath.Join(root, folder.Name()))
		if err != nil {
			return nil, err
		}
		comments[folder.Name()] = text
	}
	comments["monitoring"] = comments["cloudwatch"] // the one whose signatures have another name
	return comments, nil
}

func packageComment(folder string) (string, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		return "", err
	}
	set := token.NewFileSet()
	for _, file := range files {
		parsed, err := parser.ParseFile(set, file, nil, parser.ParseComments|parser.PackageClauseOnly)
		if err != nil {
			return "", err
		}
		if parsed.Doc != nil && !strings.HasSuffix(file, "_test.go") {
			return markdown(parsed), nil
		}
	}
	return "", nil
}

// markdown renders a package comment: "Package sqs is Amazon SQS: …" becomes "Amazon SQS: …".
func markdown(file *ast.File) string {
	p := doc.Package{}
	text := strings.TrimPrefix(file.Doc.Text(), "Package "+file.Name.Name+" is ")
	return strings.TrimSpace(string(p.Markdown(strings.ToUpper(text[:1]) + text[1:])))
}
