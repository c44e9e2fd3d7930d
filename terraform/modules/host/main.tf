# A queue with every event, for one process that hosts all four functions.
data "aws_caller_identity" "this" {}
data "aws_region" "this" {}
data "aws_partition" "this" {}

locals {
  name     = "alchemiser-run-${var.stage}"
  suffix   = "${data.aws_region.this.id}:${data.aws_caller_identity.this.account_id}"
  arn      = "arn:${data.aws_partition.this.partition}:sqs:${local.suffix}:${local.name}"
  rule_arn = "arn:${data.aws_partition.this.partition}:events:${local.suffix}:rule/${var.bus.name}/alchemiser-all-events-run-${var.stage}"
}

# The process prolongs the visibility of what it works on, and sends what it gives up after three attempts to the dead letter
# queue of the function that failed. The redrive policy is the net below: a message that kills the process each time.
# The policy is inline: a resource of its own costs 25 s at apply.
resource "aws_sqs_queue" "this" {
  name                       = local.name
  message_retention_seconds  = 345600
  visibility_timeout_seconds = 60
  receive_wait_time_seconds  = 20
  sqs_managed_sse_enabled    = var.key_arn == null ? true : null
  kms_master_key_id          = var.key_arn
  redrive_policy             = jsonencode({ deadLetterTargetArn = var.dead_letters_arn, maxReceiveCount = 10 })
  policy                     = data.aws_iam_policy_document.queue.json
}

data "aws_iam_policy_document" "queue" {
  statement {
    sid       = "Events"
    actions   = ["sqs:SendMessage"]
    resources = [local.arn]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [local.rule_arn]
    }
  }
}

resource "aws_cloudwatch_event_rule" "this" {
  name           = "alchemiser-all-events-run-${var.stage}"
  description    = "Events for the process that hosts alchemiser's functions."
  event_bus_name = var.bus.name
  event_pattern = jsonencode({
    source        = [{ prefix = "alchemiser." }]
    "replay-name" = [{ exists = false }]
  })
}

resource "aws_cloudwatch_event_target" "this" {
  event_bus_name = var.bus.name
  rule           = aws_cloudwatch_event_rule.this.name
  target_id      = "run"
  arn            = aws_sqs_queue.this.arn

  retry_policy {
    maximum_event_age_in_seconds = 3600
    maximum_retry_attempts       = 3
  }

  dead_letter_config {
    arn = var.dead_letters_arn
  }
}
