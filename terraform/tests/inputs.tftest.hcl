# What the stack refuses before it makes anything: each variable by itself, then what variables mean together.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  stage         = "dev"
  artifacts_dir = "./tests/fixtures"
  observability = false
}

run "refuses_what_cannot_be" {
  command = plan

  variables {
    stage                  = "Dev"
    account_id             = "1234"
    architecture           = "amd64"
    portfolio_id           = "Main"
    mode                   = "dual"
    broker_base_url        = "https://broker.example.com/v2"
    broker_data_url        = "broker.example.com"
    cash_reserve           = "1"
    minimum_trade          = "0"
    tolerance              = ".5"
    limits                 = { max_order = "0", max_turnover = "1", max_spread = "0.05" }
    limit_steps            = 0
    step_seconds           = 31
    close_margin_seconds   = 301
    archive_retention_days = 0
    log_retention_days     = 0
    notification_email     = "desk"
    runbook                = "https://example.com/runbook/"
    reserved_concurrency   = { nobody = 5 }
    release                = "nobody"

    code_signing_config_arn = "mine"
  }

  expect_failures = [
    var.stage, var.account_id, var.architecture, var.portfolio_id, var.mode, var.broker_base_url, var.broker_data_url, var.cash_reserve,
    var.minimum_trade, var.tolerance, var.limits, var.limit_steps, var.step_seconds, var.close_margin_seconds, var.archive_retention_days,
    var.log_retention_days, var.notification_email, var.runbook, var.reserved_concurrency, var.release,
    var.code_signing_config_arn,
  ]
}

run "refuses_halves_and_other_ways_to_write_alpaca" {
  command = plan

  variables {
    broker_base_url        = "https://API.alpaca.markets"
    broker_data_url        = "http://data.alpaca.markets"
    limits                 = { max_order = "250000", max_turnover = "10", max_spread = "0.05" }
    limit_steps            = 2.5
    step_seconds           = 0.5
    close_margin_seconds   = 0.5
    archive_retention_days = 1.5
  }

  expect_failures = [
    var.broker_base_url, var.broker_data_url, var.limits, var.limit_steps, var.step_seconds, var.close_margin_seconds,
    var.archive_retention_days,
  ]
}

run "refuses_limits_of_nothing" {
  command = plan

  variables {
    limits = { max_order = "250000", max_turnover = "0.00", max_spread = "0.05" }
  }

  expect_failures = [var.limits]
}

run "refuses_a_spread_that_is_a_percentage" {
  command = plan

  variables {
    limits = { max_order = "250000", max_turnover = "0.50", max_spread = "5" }
  }

  expect_failures = [var.limits]
}

run "takes_a_live_account_with_all_that_it_asks_for" {
  command = plan

  variables {
    broker_base_url    = "https://api.alpaca.markets"
    broker_allow_live  = true
    account_id         = "123456789012"
    limits             = { max_order = "10000", max_turnover = "0.50", max_spread = "0.01" }
    notification_email = "desk@example.com"
    observability      = true
  }

  assert {
    condition     = local.environment.PORTFOLIO__MAX_ORDER == "10000" && local.environment.PORTFOLIO__MAX_TURNOVER == "0.50" && local.environment.PORTFOLIO__MAX_SPREAD == "0.01" && local.environment.BROKER__ALLOW_LIVE == "true"
    error_message = "the functions must be told the limits as they were given"
  }

  assert {
    condition     = output.trading.live && output.trading.limits.max_order == "10000"
    error_message = "who reads the plan must see that it is about real money"
  }
}

run "refuses_a_live_account_without_permission" {
  command = plan

  variables {
    broker_base_url    = "https://api.alpaca.markets"
    account_id         = "123456789012"
    limits             = { max_order = "10000", max_turnover = "0.5", max_spread = "0.01" }
    notification_email = "desk@example.com"
    observability      = true
  }

  expect_failures = [terraform_data.trading]
}

run "refuses_permission_without_a_live_account" {
  command = plan

  variables {
    broker_allow_live = true
  }

  expect_failures = [terraform_data.trading]
}

run "refuses_a_live_account_without_limits" {
  command = plan

  variables {
    broker_base_url    = "https://api.alpaca.markets"
    broker_allow_live  = true
    account_id         = "123456789012"
    notification_email = "desk@example.com"
    observability      = true
  }

  expect_failures = [terraform_data.trading]
}

run "refuses_a_live_account_that_any_aws_account_may_trade" {
  command = plan

  variables {
    broker_base_url    = "https://api.alpaca.markets"
    broker_allow_live  = true
    limits             = { max_order = "10000", max_turnover = "0.5", max_spread = "0.01" }
    notification_email = "desk@example.com"
    observability      = true
  }

  expect_failures = [terraform_data.trading]
}

run "refuses_a_live_account_that_nobody_hears_of" {
  command = plan

  variables {
    broker_base_url   = "https://api.alpaca.markets"
    broker_allow_live = true
    account_id        = "123456789012"
    limits            = { max_order = "10000", max_turnover = "0.5", max_spread = "0.01" }
    observability     = true
  }

  expect_failures = [terraform_data.trading]
}

run "refuses_a_live_account_that_nothing_watches" {
  command = plan

  variables {
    broker_base_url    = "https://api.alpaca.markets"
    broker_allow_live  = true
    account_id         = "123456789012"
    limits             = { max_order = "10000", max_turnover = "0.5", max_spread = "0.01" }
    notification_email = "desk@example.com"
  }

  expect_failures = [terraform_data.trading]
}

run "refuses_steps_that_do_not_fit_into_the_function_s_time" {
  command = plan

  variables {
    limit_steps  = 8
    step_seconds = 18 # (2 x 14 + 6) x 18 = 612
  }

  expect_failures = [terraform_data.trading]
}
