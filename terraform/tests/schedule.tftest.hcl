# modules/schedule by itself.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  stage            = "dev"
  portfolio_id     = "main"
  enabled          = true
  bus_arn          = "arn:aws:events:us-east-1:123456789012:event-bus/events"
  watchdog_arn     = "arn:aws:lambda:us-east-1:123456789012:function:alchemiser-monitor-dev:live"
  dead_letters_arn = "arn:aws:sqs:us-east-1:123456789012:dead-letters"
}

run "a_start_a_trading_day_by_new_york_s_clock" {
  command = apply

  module {
    source = "./modules/schedule"
  }

  assert {
    condition     = { for purpose, s in aws_scheduler_schedule.start : purpose => "${s.schedule_expression} ${s.schedule_expression_timezone}" } == { regular = "cron(45 15 ? * MON-FRI *) America/New_York", early_close = "cron(45 12 ? * MON-FRI *) America/New_York" }
    error_message = "a quarter of an hour before the close, on ordinary days and on those with an early one"
  }

  assert {
    condition     = alltrue([for s in aws_scheduler_schedule.start : s.target[0].retry_policy[0].maximum_event_age_in_seconds == 300 && s.target[0].dead_letter_config[0].arn == var.dead_letters_arn && s.flexible_time_window[0].mode == "OFF"])
    error_message = "a start comes in time or is a dead letter"
  }

  # Scheduler fills in what stands between < and >: they must reach it as they are.
  assert {
    condition     = jsondecode(aws_scheduler_schedule.start["regular"].target[0].input).event_id == "start-main-<aws.scheduler.scheduled-time>" && strcontains(aws_scheduler_schedule.start["regular"].target[0].input, "\"run-main-<aws.scheduler.scheduled-time>\"")
    error_message = "the ids come from the scheduled time, which a retry does not change: ${aws_scheduler_schedule.start["regular"].target[0].input}"
  }

  assert {
    condition     = jsondecode(aws_scheduler_schedule.watchdog.target[0].input) == { watchdog = true } && aws_scheduler_schedule.watchdog.target[0].arn == var.watchdog_arn
    error_message = "the monitor knows its watchdog by this very JSON"
  }

  assert {
    condition = jsonencode([for s in data.aws_iam_policy_document.this.statement : { sid = s.sid, actions = s.actions, resources = s.resources }]) == jsonencode([
      { sid = "Start", actions = ["events:PutEvents"], resources = [var.bus_arn] },
      { sid = "Watchdog", actions = ["lambda:InvokeFunction"], resources = [var.watchdog_arn] },
      { sid = "DeadLetters", actions = ["sqs:SendMessage"], resources = [var.dead_letters_arn] },
    ])
    error_message = "the role is ${jsonencode(data.aws_iam_policy_document.this.statement)}"
  }

  assert {
    condition = jsonencode([for s in data.aws_iam_policy_document.trust.statement : [s.actions, s.principals[*].identifiers, s.condition]]) == jsonencode([[
      ["sts:AssumeRole"],
      [["scheduler.amazonaws.com"]],
      [
        { test = "ArnEquals", values = ["arn:aws:scheduler:us-east-1:123456789012:schedule-group/mock"], variable = "aws:SourceArn" },
        { test = "StringEquals", values = ["123456789012"], variable = "aws:SourceAccount" },
      ],
    ]])
    error_message = "only this group's schedules take the role: ${jsonencode(data.aws_iam_policy_document.trust.statement)}"
  }
}

run "off_it_starts_nothing" {
  command = apply

  module {
    source = "./modules/schedule"
  }

  variables {
    enabled = false
  }

  assert {
    condition     = alltrue([for s in concat(values(aws_scheduler_schedule.start), [aws_scheduler_schedule.watchdog]) : s.state == "DISABLED"])
    error_message = "all three are off"
  }
}

run "refuses_what_cannot_be" {
  command = plan

  module {
    source = "./modules/schedule"
  }

  variables {
    stage        = "dev!"
    portfolio_id = "main\", \"x\": \""
    watchdog_arn = "arn:aws:lambda:us-east-1:123456789012:function:alchemiser-monitor-dev"
  }

  expect_failures = [var.stage, var.portfolio_id, var.watchdog_arn]
}
