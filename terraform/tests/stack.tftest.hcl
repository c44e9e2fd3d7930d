# The whole stack against a mocked provider: no account, no endpoint. The running whole is tested in test/e2e.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  stage         = "dev"
  artifacts_dir = "./tests/fixtures"
}

run "every_function_has_both_nets" {
  command = apply

  assert {
    condition     = toset(keys(output.functions)) == toset(["strategy", "portfolio", "execution", "monitor"])
    error_message = "there must be exactly the four functions"
  }

  assert {
    condition     = output.event_bus_name == "alchemiser-trading-events-dev" && output.archive_name == "alchemiser-event-archive-dev"
    error_message = "bus and archive must have the names that the tools rely on"
  }

  assert {
    condition     = output.functions["execution"].rule_name == "alchemiser-rebalance-planned-dev"
    error_message = "execution must listen to plans"
  }
}

run "without_observability_the_functions_are_all_there" {
  command = apply

  variables {
    observability = false
  }

  assert {
    condition     = length(output.functions) == 4 && output.digest_topic_arn != null
    error_message = "the monitor writes its digest in any case"
  }

  assert {
    condition     = output.event_log_group_name == null && output.trades_topic_arn == null && output.dashboard_name == null
    error_message = "what only watches must be left out"
  }
}

run "every_function_is_alarmed" {
  command = apply

  assert {
    condition     = alltrue([for f in module.function : length(f.alarm_arns) == 7]) && length(module.observability.alarm_arns) == 4
    error_message = "seven alarms a function, and four of the stage"
  }
}

run "without_schedules_nothing_is_overdue" {
  command = apply

  variables {
    schedules_enabled = false
  }

  assert {
    condition     = length(module.observability.alarm_arns) == 3
    error_message = "an alarm on a rebalance that nobody starts would never be quiet"
  }
}

run "replays_never_reach_execution" {
  command = plan

  module {
    source = "./modules/function"
  }

  variables {
    name               = "execution"
    architecture       = "arm64"
    zip                = "./tests/fixtures/arm64/execution.zip"
    memory_mb          = 128
    timeout_seconds    = 600
    environment        = {}
    rule_name          = "rule"
    event_pattern      = "{\"source\":[\"alchemiser.portfolio\"],\"replay-name\":[{\"exists\":false}]}"
    bus                = { name = "bus", arn = "arn:aws:events:us-east-1:123456789012:event-bus/bus" }
    statements         = []
    log_retention_days = 90
  }

  assert {
    condition     = aws_lambda_function_event_invoke_config.live.maximum_event_age_in_seconds >= 3 * 600 + 180
    error_message = "three attempts must fit into the event's age"
  }

  assert {
    condition     = aws_lambda_function_event_invoke_config.live.qualifier == "live" && aws_lambda_permission.this.qualifier == "live"
    error_message = "a configuration on $LATEST would be ignored"
  }

  assert {
    condition     = aws_cloudwatch_event_target.this.retry_policy[0].maximum_retry_attempts == 3 && aws_cloudwatch_event_target.this.retry_policy[0].maximum_event_age_in_seconds == 3600
    error_message = "the target's retry policy is part of the contract"
  }
}

run "a_pattern_without_source_is_refused" {
  command = plan

  module {
    source = "./modules/function"
  }

  variables {
    name               = "execution"
    architecture       = "arm64"
    zip                = "./tests/fixtures/arm64/execution.zip"
    memory_mb          = 128
    timeout_seconds    = 60
    environment        = {}
    rule_name          = "rule"
    event_pattern      = "{}"
    bus                = { name = "bus", arn = "arn:aws:events:us-east-1:123456789012:event-bus/bus" }
    statements         = [{ sid = "Everything", actions = ["events:*"], resources = ["*"] }]
    log_retention_days = 90
  }

  expect_failures = [var.event_pattern, var.statements]
}

run "a_stage_that_is_no_name_is_refused" {
  command = plan

  variables {
    stage = "Prod!"
  }

  expect_failures = [var.stage]
}

run "another_stage_cannot_take_over_the_state" {
  command = plan

  variables {
    stage = "prod"
  }

  expect_failures = [terraform_data.owner]
}
