package lambda

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
)

// configuration is a FunctionConfiguration: what is stored of a version and what the API shows of it.
// https://docs.aws.amazon.com/lambda/latest/api/API_FunctionConfiguration.html
type configuration struct {
	FunctionName     string
	FunctionARN      string `json:"FunctionArn"`
	Runtime          string
	Role             string
	Handler          string
	CodeSize         int64
	CodeSHA256       string `json:"CodeSha256"`
	Description      string
	Timeout          int
	MemorySize       int
	LastModified     string
	Version          string
	RevisionID       string `json:"RevisionId"`
	PackageType      string
	Architectures    []string
	Environment      *environmentVariables `json:",omitempty"`
	DeadLetterConfig *deadLetterConfig     `json:",omitempty"`
	KMSKeyArn        string                `json:",omitempty"`
	TracingConfig    tracingConfig
	EphemeralStorage ephemeralStorage
	LoggingConfig    loggingConfig
	SnapStart        snapStart

	RuntimeVersionConfig *runtimeVersion `json:",omitempty"`

	State                      string `json:",omitempty"`
	StateReason                string `json:",omitempty"`
	StateReasonCode            string `json:",omitempty"`
	LastUpdateStatus           string `json:",omitempty"`
	LastUpdateStatusReason     string `json:",omitempty"`
	LastUpdateStatusReasonCode string `json:",omitempty"`
}

type (
	environmentVariables struct{ Variables map[string]string }
	deadLetterConfig     struct{ TargetArn *string }
	tracingConfig        struct{ Mode string }
	ephemeralStorage     struct{ Size int }
	loggingConfig        struct {
		LogFormat           string
		LogGroup            string
		ApplicationLogLevel string `json:",omitempty"`
		SystemLogLevel      string `json:",omitempty"`
	}
	snapStart      struct{ ApplyOn, OptimizationStatus string }
	runtimeVersion struct{ RuntimeVersionArn string }
)

// runtimes are those that run a binary of one's own; the zip needs nothing from us then.
var runtimes = []string{"provided.al2023"}

var runtimeVersionARN = "arn:aws:lambda:" + arn.Region + "::runtime:0000000000000000000000000000000000000000000000000000000000000000"

const rolePattern = `arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+`

var roleExpr = regexp.MustCompile(`^` + rolePattern + `$`)

// settings are the members that CreateFunction and UpdateFunctionConfiguration share; nil means not given.
type settings struct {
	Description      *string
	Handler          *string
	Role             *string
	Runtime          *string
	Timeout          *int
	MemorySize       *int
	Environment      *environmentVariables
	DeadLetterConfig *deadLetterConfig
	TracingConfig    *tracingConfig
	EphemeralStorage *ephemeralStorage
	LoggingConfig    *loggingConfig
	SnapStart        *struct{ ApplyOn string }
	KMSKeyArn        *string
	VpcConfig        *struct{ SubnetIds, SecurityGroupIds []string }
	Layers           []string

	FileSystemConfigs []json.RawMessage
	ImageConfig       *json.RawMessage
}

// reserved are the variables that a function may not set.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
var reserved = []string{
	"_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_NAME",
	"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE",
	"AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID",
	"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
}

// check refuses what AWS refuses, and what this endpoint does not do.
func (in settings) check() error {
	if in.Role != nil && !roleExpr.MatchString(*in.Role) {
		return validation(*in.Role, "role", patternConstraint(rolePattern))
	}
	if in.Runtime != nil && !slices.Contains(runtimes, *in.Runtime) {
		return invalid("Value %s at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [%s] "+
			"or be a valid ARN (this endpoint runs OS-only runtimes)", *in.Runtime, strings.Join(runtimes, ", "))
	}
	if err := checkRange("timeout", in.Timeout, 1, 900); err != nil {
		return err
	}
	if err := checkRange("memorySize", in.MemorySize, 128, 10240); err != nil {
		return err
	}
	if in.EphemeralStorage != nil {
		if err := checkRange("ephemeralStorage.size", &in.EphemeralStorage.Size, 512, 10240); err != nil {
			return err
		}
	}
	if in.Description != nil && len(*in.Description) > 256 {
		return validation(*in.Description, "description", "Member must have length less than or equal to 256")
	}
	if in.TracingConfig != nil && !slices.Contains([]string{"Active", "PassThrough"}, in.TracingConfig.Mode) {
		return validation(in.TracingConfig.Mode, "tracingConfig.mode",
			"Member must satisfy enum value set: [Active, PassThrough]")
	}
	if l := in.LoggingConfig; l != nil && !slices.Contains([]string{"", "Text", "JSON"}, l.LogFormat) {
		return validation(l.LogFormat, "loggingConfig.logFormat", "Member must satisfy enum value set: [JSON, Text]")
	}
	if err := in.Environment.check(); err != nil {
		return err
	}
	return in.checkSupported()
}

func (in settings) checkSupported() error {
	switch {
	case in.VpcConfig != nil && len(in.VpcConfig.SubnetIds)+len(in.VpcConfig.SecurityGroupIds) > 0:
		return unsupported("VpcConfig")
	case len(in.Layers) > 0:
		return unsupported("Layers")
	case len(in.FileSystemConfigs) > 0:
		return unsupported("FileSystemConfigs")
	case in.ImageConfig != nil:
		return unsupported("ImageConfig")
	case in.SnapStart != nil && in.SnapStart.ApplyOn != "None" && in.SnapStart.ApplyOn != "":
		return invalid("%s is not supported for SnapStart enabled functions.", runtimes[0])
	}
	return nil
}

func (e *environmentVariables) check() error {
	if e == nil {
		return nil
	}
	var used []string
	size := 0
	for _, key := range slices.Sorted(maps.Keys(e.Variables)) {
		size += len(key) + len(e.Variables[key])
		if slices.Contains(reserved, key) {
			used = append(used, key)
		}
	}
	if len(used) > 0 {
		return invalid("Lambda was unable to configure your environment variables because the environment variables you "+
			"have provided contains reserved keys that are currently not supported for modification. "+
			"Reserved keys used in this request: %s", strings.Join(used, ", "))
	}
	if size > 4096 {
		return invalid("Lambda was unable to configure your environment variables because the environment variables you " +
			"have provided exceeded the 4KB limit.")
	}
	return nil
}

// apply writes what is given into c.
func (in settings) apply(c *configuration) {
	set(&c.Description, in.Description)
	set(&c.Handler, in.Handler)
	set(&c.Role, in.Role)
	set(&c.Runtime, in.Runtime)
	set(&c.Timeout, in.Timeout)
	set(&c.MemorySize, in.MemorySize)
	set(&c.TracingConfig, in.TracingConfig)
	set(&c.EphemeralStorage, in.EphemeralStorage)
	set(&c.KMSKeyArn, in.KMSKeyArn)
	if in.Environment != nil {
		c.Environment = &environmentVariables{Variables: maps.Clone(in.Environment.Variables)}
		if c.Environment.Variables == nil {
			c.Environment.Variables = map[string]string{}
		}
	}
	if d := in.DeadLetterConfig; d != nil && d.TargetArn != nil { // an empty object changes nothing, an empty ARN removes it
		c.DeadLetterConfig = d
		if *d.TargetArn == "" {
			c.DeadLetterConfig = nil
		}
	}
	if l := in.LoggingConfig; l != nil {
		if l.LogFormat != "" {
			c.LoggingConfig.LogFormat = l.LogFormat
		}
		if l.LogGroup != "" {
			c.LoggingConfig.LogGroup = l.LogGroup
		}
		c.LoggingConfig.ApplicationLogLevel, c.LoggingConfig.SystemLogLevel = l.ApplicationLogLevel, l.SystemLogLevel
	}
}

func set[T any](into *T, value *T) {
	if value != nil {
		*into = *value
	}
}

// newConfiguration returns $LATEST of a function with Lambda's defaults.
func newConfiguration(name string) configuration {
	return configuration{
		FunctionName: name, Version: latest, Timeout: 3, MemorySize: 128, PackageType: "Zip",
		Architectures:        []string{"x86_64"},
		TracingConfig:        tracingConfig{Mode: "PassThrough"},
		EphemeralStorage:     ephemeralStorage{Size: 512},
		LoggingConfig:        loggingConfig{LogFormat: "Text", LogGroup: "/aws/lambda/" + name},
		SnapStart:            snapStart{ApplyOn: "None", OptimizationStatus: "Off"},
		RuntimeVersionConfig: &runtimeVersion{RuntimeVersionArn: runtimeVersionARN},
		State:                "Active", LastUpdateStatus: "Successful",
	}
}

// as returns c as it is shown under a qualifier.
func (c configuration) as(qualifier string) configuration {
	c.FunctionARN = functionARN(c.FunctionName, qualifier)
	return c
}

// listed returns c as lists show it: without its states.
func (c configuration) listed() configuration {
	c.State, c.LastUpdateStatus, c.RuntimeVersionConfig = "", "", nil
	return c
}

const creating = "The function is being created."

// pending returns c as the answer to its creation: AWS is not done yet then, and clients wait until it is.
func (c configuration) pending() configuration {
	c.State, c.StateReason, c.StateReasonCode = "Pending", creating, "Creating"
	c.LastUpdateStatus = ""
	return c
}

// updating returns c as the answer to an update.
func (c configuration) updating() configuration {
	c.LastUpdateStatus, c.LastUpdateStatusReason, c.LastUpdateStatusReasonCode = "InProgress", creating, "Creating"
	return c
}

// content is the fingerprint of code and configuration: two versions with the same content are the same version.
func (c configuration) content() (string, error) {
	c.FunctionARN, c.Version, c.RevisionID, c.LastModified = "", "", "", ""
	raw, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("fingerprint of %s: %w", c.FunctionName, err)
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:]), nil
}
