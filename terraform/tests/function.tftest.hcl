# modules/function by itself: what it makes of its variables, and what it refuses.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name               = "execution"
  stage              = "dev"
  architecture       = "arm64"
  zip                = "./tests/fixtures/arm64/execution.zip"
  memory_mb          = 256
  timeout_seconds    = 600
  environment        = { STAGE = "dev" }
  rule_name          = "alchemiser-rebalance-planned-dev"
  event_pattern      = "{\"source\":[\"alchemiser.portfolio\"],\"replay-name\":[{\"exists\":false}]}"
  bus                = { name = "events", arn = "arn:aws:events:us-east-1:123456789012:event-bus/events" }
  log_retention_days = 90
  statements = [{
    sid       = "State"
    actions   = ["dynamodb:GetItem", "dynamodb:PutItem"]
    resources = ["arn:aws:dynamodb:us-east-1:123456789012:table/state"]
  }]
}

run "it_may_do_what_it_says_and_no_more" {
  command = apply

  module {
    source = "./modules/function"
  }

  assert {
    condition = jsonencode([for s in data.aws_iam_policy_document.this.statement : { sid = s.sid, actions = s.actions, resources = s.resources }]) == jsonencode([
      { sid = "Logs", actions = ["logs:CreateLogStream", "logs:PutLogEvents"], resources = ["arn:aws:logs:us-east-1:123456789012:log-group:/mock:*"] },
      { sid = "Traces", actions = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"], resources = ["*"] },
      { sid = "DeadLetters", actions = ["sqs:SendMessage"], resources = ["arn:aws:sqs:us-east-1:123456789012:mock"] },
      { sid = "State", actions = ["dynamodb:GetItem", "dynamodb:PutItem"], resources = ["arn:aws:dynamodb:us-east-1:123456789012:table/state"] },
    ])
    error_message = "the role is ${jsonencode(data.aws_iam_policy_document.this.statement)}"
  }

  assert {
    condition = jsonencode([for s in data.aws_iam_policy_document.trust.statement : [s.actions, s.principals[*].identifiers]]) == jsonencode([
      [["sts:AssumeRole"], [["lambda.amazonaws.com"]]],
    ])
    error_message = "only Lambda takes the role: ${jsonencode(data.aws_iam_policy_document.trust.statement)}"
  }

  assert {
    condition = jsonencode([for s in data.aws_iam_policy_document.dead_letters.statement : [s.actions, s.resources, s.principals[*].identifiers, s.condition]]) == jsonencode([[
      ["sqs:SendMessage"],
      ["arn:aws:sqs:us-east-1:123456789012:alchemiser-execution-dlq-dev"],
      [["events.amazonaws.com"]],
      [{ test = "ArnEquals", values = ["arn:aws:events:us-east-1:123456789012:rule/events/alchemiser-rebalance-planned-dev"], variable = "aws:SourceArn" }],
    ]])
    error_message = "only the function's own rule fills its queue: ${jsonencode(data.aws_iam_policy_document.dead_letters.statement)}"
  }
}

run "nothing_falls_through_the_nets" {
  command = apply

  module {
    source = "./modules/function"
  }

  assert {
    condition     = aws_cloudwatch_event_target.this.retry_policy[0].maximum_retry_attempts == 3 && aws_cloudwatch_event_target.this.retry_policy[0].maximum_event_age_in_seconds == 3600
    error_message = "the target's retry policy is part of the contract"
  }

  assert {
    condition     = aws_cloudwatch_event_target.this.dead_letter_config[0].arn == aws_sqs_queue.dead_letters.arn && aws_lambda_function_event_invoke_config.live.destination_config[0].on_failure[0].destination == aws_sqs_queue.dead_letters.arn
    error_message = "both nets end in the function's queue"
  }

  assert {
    condition     = aws_lambda_function_event_invoke_config.live.maximum_retry_attempts == 2 && aws_lambda_function_event_invoke_config.live.maximum_event_age_in_seconds >= 3 * 600 + 180
    error_message = "three attempts must fit into the event's age"
  }

  assert {
    condition     = aws_lambda_function_event_invoke_config.live.qualifier == "live" && aws_lambda_permission.this.qualifier == "live" && aws_cloudwatch_event_target.this.arn == aws_lambda_alias.live.arn
    error_message = "what is on $LATEST would be ignored, or pass by the alias"
  }

  assert {
    condition     = aws_lambda_permission.this.source_arn == aws_cloudwatch_event_rule.this.arn
    error_message = "only the function's own rule may invoke it"
  }

  assert {
    condition     = aws_sqs_queue.dead_letters.message_retention_seconds == 14 * 86400
    error_message = "dead letters are kept as long as SQS keeps anything"
  }

  assert {
    condition     = aws_lambda_function.this.environment[0].variables == tomap({ STAGE = "dev", DLQ__URL = aws_sqs_queue.dead_letters.url })
    error_message = "the function must be told its queue"
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.this) == 0
    error_message = "without a topic there is nobody to alarm"
  }
}

run "a_version_answers_before_events_come_to_it" {
  command = apply

  module {
    source = "./modules/function"
  }

  assert {
    condition     = aws_lambda_function.this.publish && aws_lambda_invocation.smoke[0].qualifier == "7" && aws_lambda_invocation.smoke[0].input == "{\"smoke\":true}"
    error_message = "the version itself is asked, not what is live"
  }

  assert {
    condition     = aws_lambda_alias.live.function_version == "7" && aws_ssm_parameter.live.insecure_value == "latest"
    error_message = "a function that nobody holds follows the newest version"
  }
}

run "a_stage_without_a_broker_asks_nothing" {
  command = apply

  module {
    source = "./modules/function"
  }

  variables {
    smoke = false
  }

  assert {
    condition     = length(aws_lambda_invocation.smoke) == 0 && aws_lambda_alias.live.function_version == "7"
    error_message = "no smoke event was wanted"
  }
}

run "each_alarm_goes_to_the_topic_and_names_its_page" {
  command = apply

  module {
    source = "./modules/function"
  }

  variables {
    alarms       = { topic_arn = "arn:aws:sns:us-east-1:123456789012:alarms", runbook = "https://example.com/runbook" }
    rule_enabled = false
  }

  assert {
    condition     = alltrue([for page, alarm in aws_cloudwatch_metric_alarm.this : alarm.alarm_actions == toset(["arn:aws:sns:us-east-1:123456789012:alarms"]) && endswith(alarm.alarm_description, " https://example.com/runbook/${page}.md")])
    error_message = "an alarm must reach somebody and say what to do"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["slow"].threshold == 480000 && aws_cloudwatch_metric_alarm.this["slow"].extended_statistic == "p99"
    error_message = "80 % of 600 s, in milliseconds"
  }

  assert {
    condition     = aws_cloudwatch_event_rule.this.state == "DISABLED"
    error_message = "a rule that is off brings nothing"
  }
}

run "refuses_what_cannot_be" {
  command = plan

  module {
    source = "./modules/function"
  }

  variables {
    name               = "Execution"
    stage              = "d"
    architecture       = "arm"
    zip                = "./tests/fixtures/none.zip"
    memory_mb          = 127
    timeout_seconds    = 901
    environment        = { AWS_REGION = "us-east-1" }
    rule_name          = "a rule"
    event_pattern      = "{}"
    statements         = [{ sid = "Everything", actions = ["events:PutEvents"], resources = ["*"] }]
    log_retention_days = 91
  }

  expect_failures = [
    var.name, var.stage, var.architecture, var.zip, var.memory_mb, var.timeout_seconds, var.environment, var.rule_name, var.event_pattern,
    var.statements, var.log_retention_days,
  ]
}

run "refuses_halves_and_what_it_adds_itself" {
  command = plan

  module {
    source = "./modules/function"
  }

  variables {
    memory_mb       = 128.5
    timeout_seconds = 0.5
    environment     = { DLQ__URL = "https://example.com" }
    event_pattern   = "source"
    statements      = [{ sid = "All", actions = ["events:*"], resources = ["arn:aws:events:us-east-1:123456789012:event-bus/events"] }]
  }

  expect_failures = [var.memory_mb, var.timeout_seconds, var.environment, var.event_pattern, var.statements]
}

run "refuses_a_statement_that_would_replace_its_own" {
  command = plan

  module {
    source = "./modules/function"
  }

  variables {
    statements = [{ sid = "DeadLetters", actions = ["sqs:SendMessage"], resources = ["arn:aws:sqs:us-east-1:123456789012:other"] }]
  }

  expect_failures = [var.statements]
}

run "refuses_two_statements_of_one_name" {
  command = plan

  module {
    source = "./modules/function"
  }

  variables {
    statements = [
      { sid = "State", actions = ["dynamodb:GetItem"], resources = ["arn:aws:dynamodb:us-east-1:123456789012:table/state"] },
      { sid = "State", actions = ["dynamodb:PutItem"], resources = ["arn:aws:dynamodb:us-east-1:123456789012:table/state"] },
    ]
  }

  expect_failures = [var.statements]
}
