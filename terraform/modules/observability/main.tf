data "aws_caller_identity" "this" {}
data "aws_region" "this" {}
data "aws_partition" "this" {}

locals {
  suffix           = "${data.aws_region.this.id}:${data.aws_caller_identity.this.account_id}"
  trades_rule_name = "alchemiser-trade-executed-${var.stage}"
  trades_rule_arn  = "arn:${data.aws_partition.this.partition}:events:${local.suffix}:rule/${var.bus.name}/${local.trades_rule_name}"
}

# Every event as it passed, one line each.
resource "aws_cloudwatch_log_group" "events" {
  count = var.enabled ? 1 : 0

  name              = "/aws/events/alchemiser-${var.stage}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.key_arn
}

# EventBridge writes to a log group by its resource policy, not by a role:
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html#eb-cloudwatchlogs-permissions
resource "aws_cloudwatch_log_resource_policy" "events" {
  count = var.enabled ? 1 : 0

  policy_name     = "alchemiser-events-${var.stage}"
  policy_document = data.aws_iam_policy_document.event_log[0].json
}

data "aws_iam_policy_document" "event_log" {
  count = var.enabled ? 1 : 0

  # No rule is behind the making of a stream.
  statement {
    sid       = "EventLogStreams"
    actions   = ["logs:CreateLogStream"]
    resources = ["${aws_cloudwatch_log_group.events[0].arn}:*"]

    principals {
      type        = "Service"
      identifiers = ["delivery.logs.amazonaws.com", "events.amazonaws.com"]
    }
  }

  statement {
    sid       = "EventLog"
    actions   = ["logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.events[0].arn}:*"]

    principals {
      type        = "Service"
      identifiers = ["delivery.logs.amazonaws.com", "events.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = ["arn:${data.aws_partition.this.partition}:events:${local.suffix}:rule/${var.bus.name}/${var.event_log_rule}"]
    }
  }
}

# For people: what the monitor has to say about a run.
resource "aws_sns_topic" "digest" {
  name              = "alchemiser-digest-${var.stage}"
  kms_master_key_id = var.key_arn
}

resource "aws_sns_topic_subscription" "email" {
  count = var.notification_email == null ? 0 : 1

  topic_arn = aws_sns_topic.digest.arn
  protocol  = "email"
  endpoint  = var.notification_email
}

# For machines: each TradeExecuted event as it passed.
resource "aws_sns_topic" "trades" {
  count = var.enabled ? 1 : 0

  name              = "alchemiser-trades-${var.stage}"
  kms_master_key_id = var.key_arn
}

resource "aws_sns_topic_policy" "trades" {
  count = var.enabled ? 1 : 0

  arn    = aws_sns_topic.trades[0].arn
  policy = data.aws_iam_policy_document.trades[0].json
}

data "aws_iam_policy_document" "trades" {
  count = var.enabled ? 1 : 0

  statement {
    sid       = "Trades"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.trades[0].arn]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [local.trades_rule_arn]
    }
  }
}

resource "aws_cloudwatch_event_rule" "trades" {
  count = var.enabled ? 1 : 0

  name           = local.trades_rule_name
  description    = "What was traded, for machines."
  event_bus_name = var.bus.name
  state          = contains(var.rules_off, local.trades_rule_name) ? "DISABLED" : "ENABLED"

  event_pattern = jsonencode({
    source        = ["alchemiser.execution"]
    "detail-type" = ["TradeExecuted"]
    "replay-name" = [{ exists = false }]
  })
}

resource "aws_cloudwatch_event_target" "trades" {
  count = var.enabled ? 1 : 0

  event_bus_name = var.bus.name
  rule           = aws_cloudwatch_event_rule.trades[0].name
  target_id      = "trades-topic"
  arn            = aws_sns_topic.trades[0].arn

  retry_policy {
    maximum_event_age_in_seconds = 3600
    maximum_retry_attempts       = 3
  }

  dead_letter_config {
    arn = var.dead_letters_arn
  }

  depends_on = [aws_sns_topic_policy.trades]
}
