# A key of one's own: who may use it, and that everything which a stage keeps is encrypted with it.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  stage     = "dev"
  bus_name  = "events"
  role_arns = ["arn:aws:iam::123456789012:role/alchemiser-execution-dev"]
  key_arn   = "arn:aws:kms:us-east-1:123456789012:key/mine"
}

run "the_key_is_used_by_whom_it_names" {
  command = apply

  module {
    source = "./modules/key"
  }

  assert {
    condition     = aws_kms_key.this.enable_key_rotation && aws_kms_key.this.deletion_window_in_days == 30
    error_message = "the key rotates, and is not gone at once"
  }

  assert {
    condition = jsonencode([for s in data.aws_iam_policy_document.key_policy.statement : [s.sid, flatten(s.principals[*].identifiers), flatten([for c in s.condition : c.values])]]) == jsonencode([
      ["Administration", ["arn:aws:iam::123456789012:root"], []],
      ["Operators", ["arn:aws:iam::123456789012:root"], ["dynamodb.us-east-1.amazonaws.com", "lambda.us-east-1.amazonaws.com", "sns.us-east-1.amazonaws.com", "sqs.us-east-1.amazonaws.com"]],
      ["Grants", ["arn:aws:iam::123456789012:root"], ["true"]],
      ["Roles", ["*"], ["arn:aws:iam::123456789012:role/alchemiser-execution-dev", "123456789012"]],
      ["Events", ["events.amazonaws.com"], ["arn:aws:events:us-east-1:123456789012:event-bus/events", "arn:aws:events:us-east-1:123456789012:rule/events/*"]],
      ["Alarms", ["cloudwatch.amazonaws.com"], ["arn:aws:cloudwatch:us-east-1:123456789012:alarm:alchemiser-dev-*"]],
      ["Logs", ["logs.us-east-1.amazonaws.com"], ["arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/alchemiser-*-dev", "arn:aws:logs:us-east-1:123456789012:log-group:/aws/events/alchemiser-dev"]],
    ])
    error_message = "the key's policy is ${jsonencode([for s in data.aws_iam_policy_document.key_policy.statement : [s.sid, flatten(s.principals[*].identifiers), flatten([for c in s.condition : c.values])]])}"
  }

  assert {
    condition     = alltrue([for s in data.aws_iam_policy_document.key_policy.statement : !contains(s.actions, "kms:*") && (s.sid != "Administration" || !contains(s.actions, "kms:Decrypt"))])
    error_message = "nobody may do everything, and who administers the key cannot read with it"
  }
}

run "nobody_is_let_in_by_a_wildcard" {
  command = plan

  module {
    source = "./modules/key"
  }

  variables {
    stage     = "Dev"
    role_arns = ["*"]
  }

  expect_failures = [var.stage, var.role_arns]
}

run "the_table_has_the_key" {
  command = plan

  module {
    source = "./modules/state"
  }

  assert {
    condition     = aws_dynamodb_table.this.server_side_encryption[0].enabled && aws_dynamodb_table.this.server_side_encryption[0].kms_key_arn == var.key_arn
    error_message = "the ledger is encrypted with the key"
  }
}

run "the_bus_has_the_key" {
  command = plan

  module {
    source = "./modules/bus"
  }

  variables {
    archive_retention_days = 365
  }

  assert {
    condition     = aws_cloudwatch_event_bus.this.kms_key_identifier == var.key_arn && aws_sqs_queue.dead_letters.kms_master_key_id == var.key_arn
    error_message = "events and what could not be delivered are encrypted with the key"
  }
}

run "a_function_has_the_key" {
  command = plan

  module {
    source = "./modules/function"
  }

  variables {
    name               = "execution"
    architecture       = "arm64"
    zip                = "./tests/fixtures/arm64/execution.zip"
    memory_mb          = 256
    timeout_seconds    = 600
    environment        = {}
    rule_name          = "rule"
    event_pattern      = "{\"source\":[\"alchemiser.portfolio\"]}"
    bus                = { name = "events", arn = "arn:aws:events:us-east-1:123456789012:event-bus/events" }
    statements         = []
    log_retention_days = 90
  }

  assert {
    condition     = aws_lambda_function.this.kms_key_arn == var.key_arn && aws_cloudwatch_log_group.this.kms_key_id == var.key_arn && aws_sqs_queue.dead_letters.kms_master_key_id == var.key_arn
    error_message = "environment, log and dead letters are encrypted with the key"
  }
}
