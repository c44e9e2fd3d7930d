# modules/host by itself.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  stage            = "dev"
  bus              = { name = "events", arn = "arn:aws:events:us-east-1:123456789012:event-bus/events" }
  dead_letters_arn = "arn:aws:sqs:us-east-1:123456789012:dead-letters"
}

run "only_its_rule_fills_the_queue" {
  command = apply

  module {
    source = "./modules/host"
  }

  assert {
    condition = jsonencode([for s in data.aws_iam_policy_document.queue.statement : [s.actions, s.resources, s.principals[*].identifiers, s.condition]]) == jsonencode([[
      ["sqs:SendMessage"],
      ["arn:aws:sqs:us-east-1:123456789012:alchemiser-run-dev"],
      [["events.amazonaws.com"]],
      [{ test = "ArnEquals", values = ["arn:aws:events:us-east-1:123456789012:rule/events/alchemiser-all-events-run-dev"], variable = "aws:SourceArn" }],
    ]])
    error_message = "the queue's policy is ${jsonencode(data.aws_iam_policy_document.queue.statement)}"
  }

  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.this.event_pattern)["replay-name"][0].exists == false
    error_message = "a replay must never trade"
  }

  assert {
    condition     = jsondecode(aws_sqs_queue.this.redrive_policy).deadLetterTargetArn == var.dead_letters_arn && aws_cloudwatch_event_target.this.dead_letter_config[0].arn == var.dead_letters_arn
    error_message = "what nobody takes is a dead letter"
  }
}

run "refuses_what_cannot_be" {
  command = plan

  module {
    source = "./modules/host"
  }

  variables {
    stage = "1st"
  }

  expect_failures = [var.stage]
}
