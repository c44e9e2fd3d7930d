data "aws_caller_identity" "this" {}
data "aws_region" "this" {}
data "aws_partition" "this" {}

locals {
  function_name     = "alchemiser-${var.name}-${var.stage}"
  dead_letters_name = "alchemiser-${var.name}-dlq-${var.stage}"
  suffix            = "${data.aws_region.this.id}:${data.aws_caller_identity.this.account_id}"
  dead_letters_arn  = "arn:${data.aws_partition.this.partition}:sqs:${local.suffix}:${local.dead_letters_name}"
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/aws/lambda/${local.function_name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.key_arn
}

resource "aws_lambda_function" "this" {
  function_name    = local.function_name
  role             = aws_iam_role.this.arn
  runtime          = "provided.al2023"
  handler          = "bootstrap"
  architectures    = [var.architecture]
  filename         = var.zip
  source_code_hash = filebase64sha256(var.zip)
  memory_size      = var.memory_mb
  timeout          = var.timeout_seconds
  publish          = true
  kms_key_arn      = var.key_arn

  reserved_concurrent_executions = coalesce(var.reserved_concurrency, -1)
  code_signing_config_arn        = var.code_signing_config_arn

  environment {
    variables = merge(var.environment, { DLQ__URL = aws_sqs_queue.dead_letters.url })
  }

  tracing_config {
    mode = "Active"
  }

  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.this.name
  }

  # The first invocation must find its permissions.
  depends_on = [aws_iam_role_policy.this]
}

# First net: what EventBridge cannot deliver to Lambda.
resource "aws_cloudwatch_event_rule" "this" {
  name           = var.rule_name
  description    = "Events that alchemiser's ${var.name} handles."
  event_bus_name = var.bus.name
  event_pattern  = var.event_pattern
  state          = var.rule_enabled ? "ENABLED" : "DISABLED"
}

resource "aws_cloudwatch_event_target" "this" {
  event_bus_name = var.bus.name
  rule           = aws_cloudwatch_event_rule.this.name
  target_id      = var.name
  arn            = aws_lambda_alias.live.arn

  retry_policy {
    maximum_event_age_in_seconds = 3600
    maximum_retry_attempts       = 3
  }

  dead_letter_config {
    arn = aws_sqs_queue.dead_letters.arn
  }

  # Without the permission the first events would be dead letters.
  depends_on = [aws_lambda_permission.this]
}

resource "aws_lambda_permission" "this" {
  statement_id  = "EventBridge"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.this.function_name
  qualifier     = aws_lambda_alias.live.name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.this.arn
}

# Second net: what the function fails on. EventBridge invokes asynchronously, so a handler's error never reaches the
# target's dead letter queue; Lambda's own queue retries it and sends it here.
resource "aws_lambda_function_event_invoke_config" "live" {
  function_name                = aws_lambda_function.this.function_name
  qualifier                    = aws_lambda_alias.live.name
  maximum_retry_attempts       = 2
  maximum_event_age_in_seconds = 3 * var.timeout_seconds + 180

  destination_config {
    on_failure {
      destination = aws_sqs_queue.dead_letters.arn
    }
  }
}

# Both nets end in this one queue. The policy is inline: a resource of its own costs 25 s at apply.
resource "aws_sqs_queue" "dead_letters" {
  name                      = local.dead_letters_name
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = var.key_arn == null ? true : null
  kms_master_key_id         = var.key_arn
  policy                    = data.aws_iam_policy_document.dead_letters.json
}

data "aws_iam_policy_document" "dead_letters" {
  statement {
    sid       = "UndeliveredEvents"
    actions   = ["sqs:SendMessage"]
    resources = [local.dead_letters_arn]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = ["arn:${data.aws_partition.this.partition}:events:${local.suffix}:rule/${var.bus.name}/${var.rule_name}"]
    }
  }
}
