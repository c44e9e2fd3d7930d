data "aws_caller_identity" "this" {}

locals {
  # Two starts a trading day. The strategy runs only if the exchange closes in 5 to 20 minutes, so on an ordinary day
  # the early one is skipped, and on a day with an early close the late one.
  starts = {
    regular     = "cron(45 15 ? * MON-FRI *)"
    early_close = "cron(45 12 ? * MON-FRI *)"
  }

  # A heredoc, as jsonencode would escape the angle brackets. Scheduler cannot make a UUID and its execution id changes
  # with every retry; the scheduled time does not.
  start_detail = <<-JSON
    {
      "event_id": "start-${var.portfolio_id}-<aws.scheduler.scheduled-time>",
      "event_type": "WorkflowStarted",
      "schema_version": "1.0",
      "correlation_id": "run-${var.portfolio_id}-<aws.scheduler.scheduled-time>",
      "causation_id": "run-${var.portfolio_id}-<aws.scheduler.scheduled-time>",
      "timestamp": "<aws.scheduler.scheduled-time>",
      "source_module": "scheduler",
      "source_component": "schedule",
      "metadata": {},
      "portfolio_id": "${var.portfolio_id}"
    }
  JSON
}

resource "aws_scheduler_schedule_group" "this" {
  name = "alchemiser-${var.stage}"
}

resource "aws_scheduler_schedule" "start" {
  for_each = local.starts

  name                         = "alchemiser-start-${replace(each.key, "_", "-")}-${var.stage}"
  description                  = "Starts the run of portfolio ${var.portfolio_id}."
  group_name                   = aws_scheduler_schedule_group.this.name
  state                        = var.enabled ? "ENABLED" : "DISABLED"
  schedule_expression          = each.value
  schedule_expression_timezone = "America/New_York"

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = var.bus_arn
    role_arn = aws_iam_role.this.arn
    input    = local.start_detail

    eventbridge_parameters {
      detail_type = "WorkflowStarted"
      source      = "alchemiser.scheduler"
    }

    # A start that comes late would meet a closing market: better a dead letter than a late run.
    retry_policy {
      maximum_event_age_in_seconds = 300
      maximum_retry_attempts       = 3
    }

    dead_letter_config {
      arn = var.dead_letters_arn
    }
  }
}

resource "aws_scheduler_schedule" "watchdog" {
  name                = "alchemiser-watchdog-${var.stage}"
  description         = "Lets the monitor look for workflows that died without a word."
  group_name          = aws_scheduler_schedule_group.this.name
  state               = var.enabled ? "ENABLED" : "DISABLED"
  schedule_expression = "rate(5 minutes)"

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = var.watchdog_arn
    role_arn = aws_iam_role.this.arn
    input    = jsonencode({ watchdog = true })

    retry_policy {
      maximum_event_age_in_seconds = 300
      maximum_retry_attempts       = 3
    }

    dead_letter_config {
      arn = var.dead_letters_arn
    }
  }
}

resource "aws_iam_role" "this" {
  name               = "alchemiser-schedule-${var.stage}"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

# Scheduler passes the group as aws:SourceArn:
# https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["scheduler.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.this.account_id]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [aws_scheduler_schedule_group.this.arn]
    }
  }
}

resource "aws_iam_role_policy" "this" {
  name   = "alchemiser-schedule-${var.stage}"
  role   = aws_iam_role.this.id
  policy = data.aws_iam_policy_document.this.json
}

data "aws_iam_policy_document" "this" {
  statement {
    sid       = "Start"
    actions   = ["events:PutEvents"]
    resources = [var.bus_arn]
  }

  statement {
    sid       = "Watchdog"
    actions   = ["lambda:InvokeFunction"]
    resources = [var.watchdog_arn]
  }

  statement {
    sid       = "DeadLetters"
    actions   = ["sqs:SendMessage"]
    resources = [var.dead_letters_arn]
  }
}
