package policy_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// stackRule is something that holds for every module, whoever writes the next one.
type stackRule struct {
	name string
	// broken lists the places that break the rule.
	broken func(configuration) []string
	// example breaks the rule: a rule that finds nothing in it is blind.
	example string
}

// starAllowed names the only statements that may have "*" as their resource, with the reason.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html
func starAllowed(c configuration, statement *hclsyntax.Block) bool {
	switch c.attribute(statement, "sid") {
	case `"Traces"`: // X-Ray knows no resources
		return c.attribute(statement, "actions") == `["xray:PutTelemetryRecords", "xray:PutTraceSegments"]`
	case `"Account"`: // neither resource policies of Logs nor the list of parameters are a resource
		return c.attribute(statement, "actions") == `["logs:DeleteResourcePolicy", "logs:DescribeResourcePolicies", "logs:PutResourcePolicy", "ssm:DescribeParameters"]`
	case `"MakeKey"`: // a key that is not there yet; the tag in the condition bounds it
		return c.attribute(statement, "actions") == `["kms:CreateKey"]`
	case `"ListAliases"`: // a list of all
		return c.attribute(statement, "actions") == `["kms:ListAliases"]`
	default:
		return false
	}
}

func stackRules() []stackRule {
	return []stackRule{
		{
			name: "every target of a rule is retried and has a dead letter queue",
			broken: func(c configuration) (found []string) {
				for _, target := range c.resources("resource", "aws_cloudwatch_event_target") {
					if len(nested(target, "retry_policy")) != 1 || len(nested(target, "dead_letter_config")) != 1 {
						found = append(found, finding(target, "needs a retry_policy and a dead_letter_config"))
					}
				}
				return found
			},
			example: `resource "aws_cloudwatch_event_target" "x" {
			            retry_policy {}
			          }`,
		},
		{
			name: "every schedule is retried and has a dead letter queue",
			broken: func(c configuration) (found []string) {
				for _, schedule := range c.resources("resource", "aws_scheduler_schedule") {
					for _, target := range nested(schedule, "target") {
						if len(nested(target, "retry_policy")) != 1 || len(nested(target, "dead_letter_config")) != 1 {
							found = append(found, finding(schedule, "needs a retry_policy and a dead_letter_config"))
						}
					}
				}
				return found
			},
			example: `resource "aws_scheduler_schedule" "x" {
			            target {
			              dead_letter_config {}
			            }
			          }`,
		},
		{
			name: "every function has the second net: a destination for what it fails on, on its alias",
			broken: func(c configuration) (found []string) {
				functions, configs := c.resources("resource", "aws_lambda_function"), c.resources("resource", "aws_lambda_function_event_invoke_config")
				caught := func(function *hclsyntax.Block) bool {
					return slices.ContainsFunc(configs, func(config *hclsyntax.Block) bool {
						if !strings.Contains(c.attribute(config, "function_name"), "aws_lambda_function."+function.Labels[1]+".") ||
							!strings.Contains(c.attribute(config, "qualifier"), "aws_lambda_alias.") {
							return false
						}
						destinations := nested(config, "destination_config")
						return len(destinations) == 1 && len(nested(destinations[0], "on_failure")) == 1
					})
				}
				for _, function := range functions {
					if !caught(function) {
						found = append(found, finding(function, "needs an aws_lambda_function_event_invoke_config on its alias with an on_failure destination"))
					}
				}
				return found
			},
			example: `resource "aws_lambda_function" "this" {}
			          resource "aws_lambda_function_event_invoke_config" "x" {
			            function_name = aws_lambda_function.this.function_name
			            destination_config { 
			              on_failure {} 
			            }
			          }`,
		},
		{
			name: "no policy allows every action or every resource, but where AWS knows no resources",
			broken: func(c configuration) (found []string) {
				for _, document := range c.resources("data", "aws_iam_policy_document") {
					for _, statement := range nested(document, "statement") {
						if c.attribute(statement, "effect") == `"Deny"` {
							continue // the more it names, the less is allowed
						}
						if strings.Contains(c.attribute(statement, "actions"), "*") && !keyPolicy(document) {
							found = append(found, finding(document, "statement %s names actions with *", c.attribute(statement, "sid")))
						}
						if strings.Contains(c.attribute(statement, "resources"), `"*"`) && !starAllowed(c, statement) && !keyPolicy(document) {
							found = append(found, finding(document, "statement %s has * as its resource", c.attribute(statement, "sid")))
						}
						if has(statement, "not_actions") || has(statement, "not_resources") || has(statement, "not_principals") {
							found = append(found, finding(document, "statement %s allows whatever it does not name", c.attribute(statement, "sid")))
						}
					}
				}
				return found
			},
			example: `data "aws_iam_policy_document" "x" { 
			            statement { 
			              actions = ["sqs:*"]
			              resources = [aws_sqs_queue.x.arn] 
			            } 
			          }`,
		},
		{
			name: "policies are documents, so that the rules here can read them",
			broken: func(c configuration) (found []string) {
				for _, b := range c.blocks {
					if b.Type != "resource" {
						continue
					}
					for _, name := range []string{"policy", "assume_role_policy", "policy_document"} {
						if text := c.attribute(b, name); text != "" && !strings.HasPrefix(text, "data.aws_iam_policy_document.") && !eachDocument(c, b, text) {
							found = append(found, finding(b, "has a %s that is no data.aws_iam_policy_document", name))
						}
					}
				}
				return found
			},
			example: `resource "aws_sqs_queue" "x" { policy = jsonencode({}) }`,
		},
		{
			name: "a service that is let in is bound to the resource or the account it comes from",
			broken: func(c configuration) (found []string) {
				for _, document := range c.resources("data", "aws_iam_policy_document") {
					for _, statement := range nested(document, "statement") {
						principals := nested(statement, "principals")
						if len(principals) == 0 || !strings.Contains(c.attribute(principals[0], "type"), "Service") || boundByService(c, statement) {
							continue
						}
						bound := slices.ContainsFunc(nested(statement, "condition"), func(condition *hclsyntax.Block) bool {
							variable := c.attribute(condition, "variable")
							return strings.Contains(variable, "aws:SourceArn") || strings.Contains(variable, "aws:SourceAccount") || strings.Contains(variable, "kms:")
						})
						if !bound {
							found = append(found, finding(document, "statement %s lets a service in from anybody's account", c.attribute(statement, "sid")))
						}
					}
				}
				for _, permission := range c.resources("resource", "aws_lambda_permission") {
					if !has(permission, "source_arn", "qualifier") {
						found = append(found, finding(permission, "needs source_arn and qualifier"))
					}
				}
				return found
			},
			example: `resource "aws_lambda_permission" "x" { principal = "events.amazonaws.com" }`,
		},
		{
			name: "every log group forgets",
			broken: func(c configuration) (found []string) {
				for _, group := range c.resources("resource", "aws_cloudwatch_log_group") {
					if !has(group, "retention_in_days") {
						found = append(found, finding(group, "needs retention_in_days"))
					}
				}
				return found
			},
			example: `resource "aws_cloudwatch_log_group" "x" { name = "x" }`,
		},
		{
			name: "every queue is encrypted",
			broken: func(c configuration) (found []string) {
				for _, queue := range c.resources("resource", "aws_sqs_queue") {
					if !has(queue, "sqs_managed_sse_enabled") && !has(queue, "kms_master_key_id") {
						found = append(found, finding(queue, "needs sqs_managed_sse_enabled or kms_master_key_id"))
					}
				}
				return found
			},
			example: `resource "aws_sqs_queue" "x" { name = "x" }`,
		},
		{
			name: "every table can be restored to any second",
			broken: func(c configuration) (found []string) {
				for _, table := range c.resources("resource", "aws_dynamodb_table") {
					recovery := nested(table, "point_in_time_recovery")
					if len(recovery) != 1 || c.attribute(recovery[0], "enabled") != "true" {
						found = append(found, finding(table, "needs point_in_time_recovery"))
					}
				}
				return found
			},
			example: `resource "aws_dynamodb_table" "x" {}`,
		},
		{
			name: "every function is traced",
			broken: func(c configuration) (found []string) {
				for _, function := range c.resources("resource", "aws_lambda_function") {
					if tracing := nested(function, "tracing_config"); len(tracing) != 1 || c.attribute(tracing[0], "mode") != `"Active"` {
						found = append(found, finding(function, "needs tracing_config with mode Active"))
					}
				}
				return found
			},
			example: `resource "aws_lambda_function" "x" {}`,
		},
		{
			name: "every alarm says what to do",
			broken: func(c configuration) (found []string) {
				for _, alarm := range c.resources("resource", "aws_cloudwatch_metric_alarm") {
					if !strings.Contains(c.attribute(alarm, "alarm_description"), "runbook") || !has(alarm, "treat_missing_data", "alarm_actions") {
						found = append(found, finding(alarm, "needs a description with its page of the runbook, treat_missing_data and alarm_actions"))
					}
				}
				return found
			},
			example: `resource "aws_cloudwatch_metric_alarm" "x" { alarm_description = "Oh." }`,
		},
		{
			name: "every variable has a type and a description, every output a description",
			broken: func(c configuration) (found []string) {
				for _, b := range c.blocks {
					if b.Type == "variable" && (!has(b, "type") || len(c.attribute(b, "description")) < 10) {
						found = append(found, finding(b, "needs a type and a description"))
					}
					if b.Type == "output" && len(c.attribute(b, "description")) < 10 {
						found = append(found, finding(b, "needs a description"))
					}
				}
				return found
			},
			example: `variable "x" { type = string }`,
		},
		{
			name: "no provider but AWS's, of the versions that the modules are meant for",
			broken: func(c configuration) (found []string) {
				for _, b := range c.blocks {
					if b.Type != "terraform" {
						continue
					}
					for _, providers := range nested(b, "required_providers") {
						for name := range providers.Body.Attributes {
							if text := c.attribute(providers, name); name != "aws" || !strings.Contains(text, `">= 5.80, < 7"`) {
								found = append(found, finding(b, "requires %s %s", name, text))
							}
						}
					}
				}
				return found
			},
			example: `terraform { 
			            required_providers { 
			              aws = { version = "~> 5" } 
			            } 
			          }`,
		},
	}
}

// eachDocument tells whether the policy is one of several documents that the resource is made for.
func eachDocument(c configuration, b *hclsyntax.Block, policy string) bool {
	return policy == "each.value.json" && strings.Contains(c.attribute(b, "for_each"), "= data.aws_iam_policy_document.")
}

// keyPolicy is the policy of a key, in which "*" stands for the key itself:
// https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-overview.html
func keyPolicy(document *hclsyntax.Block) bool { return document.Labels[1] == "key_policy" }

// boundByService tells whether the service passes no source that a condition could name. A role that Lambda assumes is named by a
// function, which takes iam:PassRole; EventBridge makes log streams without a rule behind it.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html
// https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/cloudwatch_event_target#cloudwatch-log-group-usage
func boundByService(c configuration, statement *hclsyntax.Block) bool {
	switch c.attribute(statement, "actions") {
	case `["sts:AssumeRole"]`:
		return c.attribute(nested(statement, "principals")[0], "identifiers") == `["lambda.amazonaws.com"]`
	case `["logs:CreateLogStream"]`:
		return true
	default:
		return false
	}
}

func TestTheStackKeepsItsRules(t *testing.T) {
	all := configurations(t)
	for _, rule := range stackRules() {
		t.Run(rule.name, func(t *testing.T) {
			for _, c := range all {
				for _, where := range rule.broken(c) {
					t.Error(where)
				}
			}
		})
	}
}

func TestARuleFindsWhatBreaksIt(t *testing.T) {
	for _, rule := range stackRules() {
		t.Run(rule.name, func(t *testing.T) {
			if len(rule.broken(parse(t, "example", map[string][]byte{"example.tf": []byte(rule.example)}))) == 0 {
				t.Error("the rule finds nothing wrong with its counterexample")
			}
		})
	}
}
