# modules/observability by itself.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  stage              = "dev"
  bus                = { name = "events", arn = "arn:aws:events:us-east-1:123456789012:event-bus/events" }
  dead_letters_arn   = "arn:aws:sqs:us-east-1:123456789012:dead-letters"
  dead_letters_name  = "dead-letters"
  watched            = true
  runbook            = "https://example.com/runbook"
  event_log_rule     = "every-event"
  log_retention_days = 90
  notification_email = "desk@example.com"
}

run "each_service_writes_where_it_should_and_from_here" {
  command = apply

  module {
    source = "./modules/observability"
  }

  assert {
    condition = jsonencode([for s in data.aws_iam_policy_document.event_log[0].statement : [s.actions, s.resources, s.condition] if s.sid == "EventLog"]) == jsonencode([[
      ["logs:PutLogEvents"],
      ["arn:aws:logs:us-east-1:123456789012:log-group:/mock:*"],
      [{ test = "ArnEquals", values = ["arn:aws:events:us-east-1:123456789012:rule/events/every-event"], variable = "aws:SourceArn" }],
    ]])
    error_message = "the log group's policy is ${jsonencode(data.aws_iam_policy_document.event_log[0].statement)}"
  }

  assert {
    condition = jsonencode([for s in data.aws_iam_policy_document.trades[0].statement : [s.actions, s.resources, s.principals[*].identifiers, s.condition]]) == jsonencode([[
      ["sns:Publish"],
      ["arn:aws:sns:us-east-1:123456789012:mock"],
      [["events.amazonaws.com"]],
      [{ test = "ArnEquals", values = ["arn:aws:events:us-east-1:123456789012:rule/events/alchemiser-trade-executed-dev"], variable = "aws:SourceArn" }],
    ]])
    error_message = "the policy of the topic of trades is ${jsonencode(data.aws_iam_policy_document.trades[0].statement)}"
  }

  assert {
    condition = jsonencode([for s in data.aws_iam_policy_document.alarms[0].statement : [s.actions, s.resources, s.principals[*].identifiers, s.condition]]) == jsonencode([[
      ["sns:Publish"],
      ["arn:aws:sns:us-east-1:123456789012:mock"],
      [["cloudwatch.amazonaws.com"]],
      [
        { test = "ArnLike", values = ["arn:aws:cloudwatch:us-east-1:123456789012:alarm:alchemiser-dev-*"], variable = "aws:SourceArn" },
        { test = "StringEquals", values = ["123456789012"], variable = "aws:SourceAccount" },
      ],
    ]])
    error_message = "the policy of the topic of alarms is ${jsonencode(data.aws_iam_policy_document.alarms[0].statement)}"
  }

  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.trades[0].event_pattern)["replay-name"][0].exists == false && aws_cloudwatch_event_rule.trades[0].state == "ENABLED"
    error_message = "a replayed trade must not look like a second one to machines"
  }

  assert {
    condition     = aws_sns_topic_subscription.email[0].endpoint == "desk@example.com" && aws_sns_topic_subscription.alarms[0].endpoint == "desk@example.com"
    error_message = "the digest and the alarms are mailed"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["rebalance-overdue"].treat_missing_data == "breaching"
    error_message = "a watchdog that is silent is as bad as one that barks"
  }

  assert {
    condition     = alltrue([for page, alarm in aws_cloudwatch_metric_alarm.this : endswith(alarm.alarm_description, " https://example.com/runbook/${page}.md")])
    error_message = "an alarm must say what to do"
  }
}

run "a_rule_that_an_operator_switched_off_stays_off" {
  command = apply

  module {
    source = "./modules/observability"
  }

  variables {
    rules_off          = ["alchemiser-trade-executed-dev"]
    notification_email = null
    watched            = false
  }

  assert {
    condition     = aws_cloudwatch_event_rule.trades[0].state == "DISABLED"
    error_message = "an apply must not switch it on again"
  }

  assert {
    condition     = length(aws_sns_topic_subscription.email) == 0 && length(aws_sns_topic_subscription.alarms) == 0 && !contains(keys(aws_cloudwatch_metric_alarm.this), "rebalance-overdue")
    error_message = "nobody is subscribed unasked, and what nobody starts is never overdue"
  }
}

run "off_only_the_digest_is_left" {
  command = apply

  module {
    source = "./modules/observability"
  }

  variables {
    enabled = false
  }

  assert {
    condition     = output.event_log_group_name == null && output.trades_topic_arn == null && output.alarms_topic_arn == null && length(output.alarm_arns) == 0 && output.digest_topic_arn != null
    error_message = "what only watches is left out, and the monitor's topic is not"
  }
}

run "refuses_what_cannot_be" {
  command = plan

  module {
    source = "./modules/observability"
  }

  variables {
    stage              = "-dev"
    log_retention_days = 0
    notification_email = "desk"
  }

  expect_failures = [var.stage, var.log_retention_days, var.notification_email]
}
