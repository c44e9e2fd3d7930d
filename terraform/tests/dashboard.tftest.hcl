# modules/dashboard by itself.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  stage     = "dev"
  functions = { for name in ["strategy", "portfolio", "execution", "monitor"] : name => { function_name = "alchemiser-${name}-dev", rule_name = name } }
  queues    = { execution = "alchemiser-execution-dlq-dev", bus = "alchemiser-event-dlq-dev" }
  alarms    = ["arn:aws:cloudwatch:us-east-1:123456789012:alarm:alchemiser-dev-workflow-failed"]
  event_log = "/aws/events/alchemiser-dev"
  runbook   = "https://example.com/runbook"
}

run "it_shows_every_queue_alarm_and_function" {
  command = apply

  module {
    source = "./modules/dashboard"
  }

  assert {
    condition     = alltrue([for what in concat(values(var.queues), var.alarms, [var.event_log, var.runbook], [for f in var.functions : f.function_name]) : strcontains(aws_cloudwatch_dashboard.this.dashboard_body, what)])
    error_message = "something that it was given is on no widget"
  }

  # A row of widgets is 24 wide: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
  assert {
    condition     = alltrue([for w in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : w.x + w.width <= 24])
    error_message = "a widget leaves the grid"
  }
}

run "refuses_what_cannot_be" {
  command = plan

  module {
    source = "./modules/dashboard"
  }

  variables {
    stage     = ""
    functions = { strategy = { function_name = "alchemiser-strategy-dev", rule_name = "rule" } }
  }

  expect_failures = [var.stage, var.functions]
}
