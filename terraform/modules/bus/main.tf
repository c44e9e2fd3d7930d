data "aws_caller_identity" "this" {}
data "aws_region" "this" {}
data "aws_partition" "this" {}

locals {
  dead_letters_name = "alchemiser-event-dlq-${var.stage}"
  suffix            = "${data.aws_region.this.id}:${data.aws_caller_identity.this.account_id}"
  dead_letters_arn  = "arn:${data.aws_partition.this.partition}:sqs:${local.suffix}:${local.dead_letters_name}"
  bus_rules_arn     = "arn:${data.aws_partition.this.partition}:events:${local.suffix}:rule/${aws_cloudwatch_event_bus.this.name}/*"
}

# The archive's own key is an attribute of later providers than the oldest that this module is for: it stays with AWS's.
resource "aws_cloudwatch_event_bus" "this" {
  name               = "alchemiser-trading-events-${var.stage}"
  kms_key_identifier = var.key_arn
}

resource "aws_cloudwatch_event_archive" "this" {
  name             = "alchemiser-event-archive-${var.stage}"
  event_source_arn = aws_cloudwatch_event_bus.this.arn
  retention_days   = var.archive_retention_days
}

# Dead letters of all targets that are not functions: the log group, the topic, the schedules.
# The policy is inline: a resource of its own costs 25 s at apply.
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
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = [local.bus_rules_arn]
    }
  }
}
