# modules/state by itself.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  stage = "dev"
}

run "the_ledger_can_be_restored_and_trading_begins_enabled" {
  command = apply

  module {
    source = "./modules/state"
  }

  assert {
    condition     = aws_dynamodb_table.this.point_in_time_recovery[0].enabled && aws_dynamodb_table.this.billing_mode == "PAY_PER_REQUEST"
    error_message = "any second of the last 35 days can be restored, and no capacity is guessed"
  }

  assert {
    condition     = aws_dynamodb_table.this.hash_key == "pk" && aws_dynamodb_table.this.range_key == "sk" && aws_dynamodb_table.this.ttl[0].attribute_name == "ttl"
    error_message = "keys and ttl are internal/store's"
  }

  assert {
    condition     = aws_ssm_parameter.trading_enabled.name == "/alchemiser/dev/trading_enabled" && nonsensitive(aws_ssm_parameter.trading_enabled.value) == "true"
    error_message = "the kill switch is where execution looks for it"
  }

  assert {
    condition     = output.rules_off == toset(["none"])
    error_message = "no rule is off at first"
  }
}

run "refuses_what_cannot_be" {
  command = plan

  module {
    source = "./modules/state"
  }

  variables {
    stage = "a-stage-that-is-long"
  }

  expect_failures = [var.stage]
}
