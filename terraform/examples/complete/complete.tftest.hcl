# The example as it stands is a plan that the stack takes: `terraform test -test-directory=examples/complete
# -var-file=examples/complete/prod.tfvars`.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  artifacts_dir = "./tests/fixtures"
}

run "the_example_trades_a_live_account_within_its_limits" {
  command = apply

  assert {
    condition     = output.stage == "prod" && local.environment.BROKER__BASE_URL == "https://api.alpaca.markets" && local.environment.BROKER__ALLOW_LIVE == "true"
    error_message = "the example is about a live account"
  }

  assert {
    condition     = local.environment.PORTFOLIO__MAX_ORDER == "10000" && local.environment.PORTFOLIO__MAX_TURNOVER == "0.5" && local.environment.PORTFOLIO__MAX_SPREAD == "0.01"
    error_message = "the functions must be told the limits"
  }

  assert {
    condition     = alltrue([for f in module.function : length(f.alarm_arns) > 0]) && local.scheduled
    error_message = "what trades unattended starts by itself and is watched"
  }
}
