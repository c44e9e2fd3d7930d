# The whole stack against a mocked provider: no account, no endpoint. The running whole is tested in test/e2e.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  stage         = "dev"
  artifacts_dir = "./tests/fixtures"
}

run "the_stack_has_the_names_that_tools_rely_on" {
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

  assert {
    condition     = alltrue([for f in module.function : length(f.alarm_arns) == 7]) && length(module.observability.alarm_arns) == 4
    error_message = "seven alarms a function, and four of the stage"
  }

  # Written out, as a permission too many is seen by nobody.
  assert {
    condition = jsonencode({ for name, f in local.functions : name => f.statements[*].sid }) == jsonencode({
      strategy  = ["Publish", "State", "BrokerKeys"]
      portfolio = ["Publish", "State", "BrokerKeys"]
      execution = ["Publish", "State", "BrokerKeys", "KillSwitch"]
      monitor   = ["State", "Notify"]
    })
    error_message = "the functions may ${jsonencode({ for name, f in local.functions : name => f.statements[*].sid })}"
  }

  assert {
    condition     = toset(flatten([for f in local.functions : [for s in f.statements : s.resources if s.sid == "BrokerKeys"]])) == toset(["arn:aws:ssm:us-east-1:123456789012:parameter/alchemiser/dev/broker"])
    error_message = "the broker's keys are one parameter of this stage"
  }

  assert {
    condition     = jsondecode(local.functions.execution.event_pattern)["replay-name"][0].exists == false
    error_message = "a replay must never trade"
  }

  assert {
    condition     = local.environment.PORTFOLIO__MAX_ORDER == "250000" && local.environment.PORTFOLIO__MAX_TURNOVER == "1" && local.environment.PORTFOLIO__MAX_SPREAD == "0.05" && local.environment.BROKER__ALLOW_LIVE == "false"
    error_message = "the defaults are for paper trading"
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

run "shadows_neither_trade_nor_start_runs" {
  command = plan

  variables {
    mode          = "shadow"
    observability = false
  }

  assert {
    condition     = local.environment.MODE == "shadow" && !local.scheduled
    error_message = "in shadow mode the process trades and starts the runs"
  }
}

run "a_hosted_stack_leaves_the_events_to_the_process" {
  command = plan

  variables {
    mode          = "hosted"
    observability = false
  }

  assert {
    condition     = length(module.host) == 1
    error_message = "the process needs its queue"
  }
}

run "another_stage_cannot_take_over_the_state" {
  command = plan

  variables {
    stage = "prod"
  }

  expect_failures = [terraform_data.owner]
}
