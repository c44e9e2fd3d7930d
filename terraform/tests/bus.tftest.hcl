# modules/bus by itself.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  stage                  = "dev"
  archive_retention_days = 365
}

run "every_event_is_archived_and_only_the_bus_fills_its_queue" {
  command = apply

  module {
    source = "./modules/bus"
  }

  assert {
    condition     = aws_cloudwatch_event_archive.this.event_source_arn == aws_cloudwatch_event_bus.this.arn && aws_cloudwatch_event_archive.this.retention_days == 365 && aws_cloudwatch_event_archive.this.event_pattern == null
    error_message = "the archive takes every event of this bus"
  }

  assert {
    condition = jsonencode([for s in data.aws_iam_policy_document.dead_letters.statement : [s.actions, s.resources, s.principals[*].identifiers, s.condition]]) == jsonencode([[
      ["sqs:SendMessage"],
      ["arn:aws:sqs:us-east-1:123456789012:alchemiser-event-dlq-dev"],
      [["events.amazonaws.com"]],
      [{ test = "ArnLike", values = ["arn:aws:events:us-east-1:123456789012:rule/alchemiser-trading-events-dev/*"], variable = "aws:SourceArn" }],
    ]])
    error_message = "the queue's policy is ${jsonencode(data.aws_iam_policy_document.dead_letters.statement)}"
  }
}

run "refuses_what_cannot_be" {
  command = plan

  module {
    source = "./modules/bus"
  }

  variables {
    stage                  = "Dev"
    archive_retention_days = 0
  }

  expect_failures = [var.stage, var.archive_retention_days]
}
